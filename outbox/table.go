package outbox

import (
	"fmt"
	"strings"
)

// tableID is what the name or the ARN of a table says. Within one transaction
// tables are of one account and region
// (https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html),
// so their names tell them apart.
type tableID struct {
	name  string
	place string // "region:account", "" of a name
	part  string // "index" or "stream" where the ARN is that of a part of the table
}

// tableIDOf reads a name or an ARN: arn:aws:dynamodb:region:account:table/name. What
// is neither is a name.
func tableIDOf(table string) tableID {
	if !strings.HasPrefix(table, "arn:") {
		return tableID{name: table}
	}
	parts := strings.SplitN(table, ":", 6)
	if len(parts) < 6 || parts[2] != "dynamodb" {
		return tableID{name: table}
	}
	name, ok := strings.CutPrefix(parts[5], "table/")
	if !ok {
		return tableID{name: table}
	}
	name, part, _ := strings.Cut(name, "/")
	part, _, _ = strings.Cut(part, "/")
	return tableID{name: name, place: parts[3] + ":" + parts[4], part: part}
}

// tableName returns the name of a table that is given by name or by ARN.
func tableName(table string) string { return tableIDOf(table).name }

// validateTable reports whether a table is named as DynamoDB takes it: a name of
// 3 to 255 characters a-z, A-Z, 0-9, '_', '-' and '.', or the ARN of a table
// (https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_Put.html),
// which the ARN of its stream or of an index is not.
func validateTable(table string) error {
	id := tableIDOf(table)
	if strings.HasPrefix(table, "arn:") && (id.place == "" || id.part != "") {
		return fmt.Errorf("outbox: table %q is an ARN, but not of a table", shortened(table))
	}
	if !isTableName(id.name) {
		return fmt.Errorf("outbox: table %q: a name has 3 to 255 characters a-z, A-Z, 0-9, '_', '-' and '.'", shortened(table))
	}
	return nil
}

// isTableName reports whether a table can have this name
// (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html).
func isTableName(name string) bool {
	for i := range len(name) {
		switch c := name[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '_', c == '-', c == '.':
		default:
			return false
		}
	}
	return len(name) >= 3 && len(name) <= 255
}
