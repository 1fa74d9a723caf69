// Package template reads the deployment templates, SAM and Terraform, into one
// model, so that tests can ask of both what they promise and whether they say
// the same.
//
// It evaluates just what the templates use: an intrinsic function, an attribute
// or a resource type that it does not know is an error.
package template

import "strings"

// Values are what a deployment is given from outside.
type Values struct {
	Name         string // of the stack, what the names of all resources begin with
	Region       string
	Account      string
	Partition    string
	MailFrom     string
	MailIdentity string
	AlarmTopic   string // empty: none

	// Whether there are alarms on what the relay passes over: "true", "false",
	// or empty for the template's own default.
	AlarmOnSkippedItems, AlarmOnSkippedRegion string
}

// ExampleValues are values for tests.
func ExampleValues() Values {
	return Values{
		Name: "outbox", Region: "eu-west-1", Account: "123456789012", Partition: "aws",
		MailFrom: "hello@example.com", MailIdentity: "example.com",
		AlarmTopic: "arn:aws:sns:eu-west-1:123456789012:alarms",
	}
}

// arn is the ARN of a resource in the deployment's own account and region.
func (v Values) arn(service, resource string) string {
	return strings.Join([]string{"arn", v.Partition, service, v.Region, v.Account, resource}, ":")
}

// streamARN is the ARN of a table's stream. Its last part is the time at which
// it was made.
func (v Values) streamARN(table string) string {
	return v.arn("dynamodb", "table/"+table+"/stream/2026-11-24T00:00:00.000")
}

// queueURL is the URL of a queue.
func (v Values) queueURL(name string) string {
	return "https://sqs." + v.Region + ".amazonaws.com/" + v.Account + "/" + name
}

// mappingID is the id that Lambda would make up for the event source mapping to
// a function: the templates name a mapping differently, and the function alike.
func mappingID(function string) string { return "mapping-of-" + function }

// generated is the id that AWS would make up for a resource. Both templates get
// the same for the same name in their own spelling: HttpApi and http_api.
func generated(name string) string {
	return strings.ToLower(strings.ReplaceAll(name, "_", ""))
}

// Resource is a resource of a template with its properties evaluated: maps,
// slices, strings, bools and float64.
type Resource struct {
	Type string
	Name string // the logical id, or the local name
	Body map[string]any
}

// Template is a template, evaluated.
type Template struct {
	// Path is the file or folder it was read from.
	Path string
	// Values are the ones it was evaluated with.
	Values    Values
	Resources []Resource
	// Filters are the patterns for the relay's mapping, by kind of table.
	Filters map[string]string
	// build makes the model of it.
	build func(*Template) (*Deployment, error)
}

// Deployment is the model of the template as it is now.
func (t *Template) Deployment() (*Deployment, error) { return t.build(t) }

// Find returns the resource with that name, nil if there is none. Changing its
// body changes the template.
func (t *Template) Find(name string) *Resource {
	for i := range t.Resources {
		if t.Resources[i].Name == name {
			return &t.Resources[i]
		}
	}
	return nil
}

// of returns the resources of a type.
func (t *Template) of(kind string) []Resource {
	var all []Resource
	for _, r := range t.Resources {
		if r.Type == kind {
			all = append(all, r)
		}
	}
	return all
}
