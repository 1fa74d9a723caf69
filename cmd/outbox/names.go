package main

import (
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/dynamodb-outbox/dynamodb-outbox/cmd/outbox/internal/layoutfile"
	"github.com/dynamodb-outbox/dynamodb-outbox/envelope"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay/journal"
)

// none is the name of a table that a deployment does not have.
const none = "none"

type journalName struct {
	Journal    string        `file:"" group:"names" placeholder:"TABLE" help:"Table of the journal (package relay/journal), or none. Default: NAME-journal."`
	JournalTTL time.Duration `name:"journal-ttl" file:"" group:"names" placeholder:"DURATION" help:"How long the journal keeps an item, as in its Options.TTL: 2160h. What is missing from an older time cannot be known, so it is refused. Default: without end."`
}

// reaches returns an error for a time whose journal is forgotten.
func (j journalName) reaches(from, now time.Time) error {
	if j.JournalTTL > 0 && from.Before(now.Add(-j.JournalTTL)) {
		return usage("--from %s is older than --journal-ttl %s: the journal has forgotten what was published then, so nobody knows what is missing", stamp(from), j.JournalTTL)
	}
	return nil
}

func (j journalName) table(cfg aws.Config, deployment string) *journal.Table {
	return journal.New(dynamodb.NewFromConfig(cfg), or(j.Journal, deployment+"-journal"), func(o *journal.Options) { o.TTL = j.JournalTTL })
}

// writer returns the journal to write into, nil where there is none. What is
// published and not in the journal looks, to an audit, as if it had never been.
func (j journalName) writer(cfg aws.Config, deployment string) relay.Journal {
	if j.Journal == none {
		return nil
	}
	return j.table(cfg, deployment)
}

// storeNames are the event store with all that has to be known to read it.
type storeNames struct {
	deploymentName
	eventStoreName
	Layout string `file:"" group:"names" placeholder:"LAYOUT" default:"default" help:"How an event lies in the table: default (its key is eventId and timestamp), aggregate (aggregateId and sequence), or a FILE with attribute names and key patterns (cmd/outbox/README.md shows one)."`
	markerName
}

// eventStore is an event store that is known by its names.
type eventStore struct {
	table  string
	layout envelope.Layout
}

func (s storeNames) store() (eventStore, error) {
	l, err := layoutfile.Load(s.Layout, s.Marker)
	if err != nil {
		return eventStore{}, usage("--layout: %v", err)
	}
	return eventStore{or(s.EventStore, s.Name+"-event-store"), l}, nil
}

type receiptsName struct {
	Receipts string `file:"" group:"names" placeholder:"TABLE" help:"Table of the consumers' receipts (outbox.Inbox). Default: none."`
}
