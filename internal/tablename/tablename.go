// Package tablename finds the name of a table in an ARN
// (https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazondynamodb.html).
package tablename

import "strings"

// Of returns the name of a table that is given by its name or ARN.
func Of(table string) string {
	if _, name, ok := strings.Cut(table, ":table/"); ok {
		return name
	}
	return table
}

// OfStream returns the name of the table whose stream has that ARN, "" if it is
// not the ARN of a stream.
func OfStream(arn string) string {
	_, rest, _ := strings.Cut(arn, ":table/")
	name, _, ok := strings.Cut(rest, "/stream/")
	if !ok {
		return ""
	}
	return name
}
