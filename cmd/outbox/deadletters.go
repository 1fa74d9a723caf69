package main

import (
	"context"
	"iter"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/dynamodb-outbox/dynamodb-outbox/relay/deadletter"
)

type deadLettersName struct {
	DeadLetters string `file:"" group:"names" placeholder:"TABLE" help:"Table of the dead letters, or none. Default: NAME-dead-letters."`
}

// deadLetters are the dead letters of a deployment.
type deadLetters struct {
	*deadletter.Table
	client *dynamodb.Client
	name   string
}

// deadLetters returns nil where a deployment has none.
func (d deadLettersName) deadLetters(cfg aws.Config, deployment string) *deadLetters {
	if d.DeadLetters == none {
		return nil
	}
	client, name := dynamodb.NewFromConfig(cfg), or(d.DeadLetters, deployment+"-dead-letters")
	return &deadLetters{deadletter.New(client, name), client, name}
}

// all yields the letters, without records and messages.
func (d *deadLetters) all(ctx context.Context) iter.Seq2[deadletter.Kept, error] {
	return d.Letters(ctx, d.client)
}

// ids returns what yields the event ids of the letters; nil where there are none.
func (d *deadLetters) ids() func(context.Context) iter.Seq2[string, error] {
	if d == nil {
		return nil
	}
	return func(ctx context.Context) iter.Seq2[string, error] {
		return func(yield func(string, error) bool) {
			for l, err := range d.all(ctx) {
				if err == nil && l.EventID == "" {
					continue
				}
				if !yield(l.EventID, err) || err != nil {
					return
				}
			}
		}
	}
}
