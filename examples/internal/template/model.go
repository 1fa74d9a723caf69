package template

import (
	"cmp"
	"slices"
)

// Deployment is what a template deploys, in the words of neither. Its slices
// are sorted, so that two deployments can be compared.
type Deployment struct {
	Tables     []Table
	Buses      []Bus
	Rules      []Rule
	Queues     []Queue
	Functions  []Function
	Mappings   []Mapping
	API        API
	LogGroups  []LogGroup
	Alarms     []Alarm
	Dashboards []Dashboard
}

// Table is a DynamoDB table.
type Table struct {
	Name, ARN          string
	StreamARN          string // empty without a stream
	StreamView         string
	PK, SK             string // name and type, such as "pk:S"; SK may be empty
	BillingMode        string
	TTL                string // the attribute; empty if it is off
	PITR               bool
	DeletionProtection bool
	Encrypted          bool // with a KMS key instead of the one that DynamoDB owns
}

// Bus is an event bus.
type Bus struct{ Name, ARN string }

// Rule is a rule of a bus.
type Rule struct {
	Name, Bus, ARN string
	Enabled        bool
	Pattern        string // JSON with sorted names
	Targets        []Target
}

// Target of a rule.
type Target struct {
	ARN         string
	DeadLetters string // the queue's ARN; empty if there is none
	MaxAge      float64
	MaxAttempts float64
}

// Queue is an SQS queue.
type Queue struct {
	Name, ARN, URL string
	Visibility     float64 // seconds
	Retention      float64 // seconds
	MaxMessage     float64 // bytes
	Encrypted      bool
	DeadLetters    string // the queue's ARN; empty without a redrive policy
	MaxReceive     float64
	Policy         []Statement
}

// Statement of a policy.
type Statement struct {
	Sid, Effect string
	Principal   string // JSON; empty in a role's policy
	Actions     []string
	Resources   []string
	Condition   string // JSON; empty if there is none
}

// Function is a Lambda function.
type Function struct {
	Name, Runtime, Handler string
	Architectures          []string
	Package                string // the file's name
	Memory, Timeout        float64
	Environment            map[string]string
	LogGroup               string
	Trust                  []Statement // who may assume its role
	Permissions            []Statement // what its role may do
}

// Mapping is an event source mapping.
type Mapping struct {
	ID               string
	Function, Source string
	StartingPosition string
	BatchSize        float64
	Window           float64 // seconds
	ResponseTypes    []string
	Bisect           bool
	Retries          float64 // -1: without limit
	RecordAge        float64 // seconds; -1: without limit
	OnFailure        string
	Filters          []string
	MaxConcurrency   float64
	Metrics          []string // that it publishes beside those of the function
}

// API is the HTTP API.
type API struct {
	Name, Function, PayloadFormat string
	Routes                        []string
	Stage                         string
	Burst, Rate                   float64
	LogGroup                      string
	Permission                    string // the source ARN that may invoke the function
}

// LogGroup is a log group.
type LogGroup struct {
	Name string
	Days float64 // 0: without end
}

// Metric is one CloudWatch series.
type Metric struct {
	Namespace, Name string
	Dimensions      map[string]string
	Stat            string
}

// Alarm is a CloudWatch alarm.
type Alarm struct {
	Name, Description   string
	Metrics             []Metric // more than one: for the expression
	Expression          string
	Period              float64
	Periods, Datapoints float64
	Threshold           float64
	Comparison, Missing string
	Actions             []string
}

// Dashboard is a CloudWatch dashboard.
type Dashboard struct {
	Name    string
	Body    string // JSON with sorted names
	Metrics []Metric
}

// sort puts every slice whose order means nothing in order.
func (d *Deployment) sort() {
	slices.SortFunc(d.Tables, func(a, b Table) int { return cmp.Compare(a.Name, b.Name) })
	slices.SortFunc(d.Buses, func(a, b Bus) int { return cmp.Compare(a.Name, b.Name) })
	slices.SortFunc(d.Rules, func(a, b Rule) int { return cmp.Compare(a.Name, b.Name) })
	slices.SortFunc(d.Queues, func(a, b Queue) int { return cmp.Compare(a.Name, b.Name) })
	slices.SortFunc(d.Functions, func(a, b Function) int { return cmp.Compare(a.Name, b.Name) })
	slices.SortFunc(d.Mappings, func(a, b Mapping) int { return cmp.Compare(a.Function, b.Function) })
	slices.SortFunc(d.LogGroups, func(a, b LogGroup) int { return cmp.Compare(a.Name, b.Name) })
	slices.SortFunc(d.Alarms, func(a, b Alarm) int { return cmp.Compare(a.Name, b.Name) })
	slices.SortFunc(d.Dashboards, func(a, b Dashboard) int { return cmp.Compare(a.Name, b.Name) })
	slices.Sort(d.API.Routes)
}

// Table returns the table with that name, nil if there is none.
func (d *Deployment) Table(name string) *Table {
	return find(d.Tables, func(t Table) bool { return t.Name == name })
}

// Queue returns the queue with that name or ARN, nil if there is none.
func (d *Deployment) Queue(name string) *Queue {
	return find(d.Queues, func(q Queue) bool { return q.Name == name || q.ARN == name })
}

// Function returns the function with that name, nil if there is none.
func (d *Deployment) Function(name string) *Function {
	return find(d.Functions, func(f Function) bool { return f.Name == name })
}

// Mapping returns the mapping to the function with that name, nil if there is
// none.
func (d *Deployment) Mapping(function string) *Mapping {
	return find(d.Mappings, func(m Mapping) bool { return m.Function == function })
}

func find[T any](all []T, is func(T) bool) *T {
	i := slices.IndexFunc(all, is)
	if i < 0 {
		return nil
	}
	return &all[i]
}
