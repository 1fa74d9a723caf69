package relay

import "github.com/dynamodb-outbox/dynamodb-outbox/internal/streamrecord"

func attributesOf(streamrecord.Record) []string { return nil }
