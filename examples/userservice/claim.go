package userservice

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/dynamodb-outbox/dynamodb-outbox/envelope"
)

// claim makes a repeated POST safe. The first request with an Idempotency-Key
// stores the event that it is about to commit under CLAIM#<key>; each later one
// with the same key and content is given that event instead of its own. User,
// address and event items follow from it, so every attempt is the same
// transaction under the same ClientRequestToken, and there are three cases:
//
//   - Within ten minutes, and also at the same moment from two clients, DynamoDB
//     knows the token: it answers success and writes nothing.
//   - Later it does not. The transaction is refused because its items are there,
//     and Explain sees that the event among them is this very event: success.
//   - The first attempt never committed: this one does.
//
// A claim locks nothing and promises nothing: a request that dies after it
// leaves the next one free to finish the work. What it costs is one write, for
// requests that have a key.
//
// A claim lives [ClaimLifetime], which is less than the life of an event item,
// by which Explain recognises it. After that a repeated POST is a new one, and
// the address is taken.
//
// The key is the client's own. Where several clients share a service, put the
// authenticated caller into it, or one client can hit upon another's key.
func (s *Store) claim(ctx context.Context, key string, r SignUp, ev envelope.CustomEvent) (envelope.CustomEvent, error) {
	event, err := json.Marshal(ev)
	if err != nil {
		return ev, err
	}
	content := hash(r.Email, r.Name)
	_, err = s.db.PutItem(ctx, &dynamodb.PutItemInput{
		TableName: &s.users,
		Item: map[string]types.AttributeValue{
			"pk":      &types.AttributeValueMemberS{Value: "CLAIM#" + hash(key)},
			"content": &types.AttributeValueMemberS{Value: content},
			"event":   &types.AttributeValueMemberS{Value: string(event)},
			"ttl":     &types.AttributeValueMemberN{Value: strconv.FormatInt(time.Now().Add(ClaimLifetime).Unix(), 10)},
		},
		// TTL deletes late, so an expired claim may still be there.
		ConditionExpression:                 aws.String("attribute_not_exists(pk) OR #ttl < :now"),
		ExpressionAttributeNames:            map[string]string{"#ttl": "ttl"},
		ExpressionAttributeValues:           map[string]types.AttributeValue{":now": &types.AttributeValueMemberN{Value: strconv.FormatInt(time.Now().Unix(), 10)}},
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	})
	var claimed *types.ConditionalCheckFailedException
	if err == nil || !errors.As(err, &claimed) {
		return ev, err
	}
	if text(claimed.Item["content"]) != content {
		return ev, problem(http.StatusUnprocessableEntity, "idempotency_key_reused", "this Idempotency-Key came with another request before")
	}
	var first envelope.CustomEvent
	if err := json.Unmarshal([]byte(text(claimed.Item["event"])), &first); err != nil {
		return first, fmt.Errorf("userservice: claimed event: %w", err)
	}
	return first, nil
}

// ClaimLifetime is how long an Idempotency-Key is remembered.
const ClaimLifetime = 24 * time.Hour

// requestToken is the ClientRequestToken of a key: at most 36 characters. The
// token is known to DynamoDB throughout the account, so the table is part of it.
func (s *Store) requestToken(key string) *string { return aws.String(hash(s.users, key)[:32]) }

// hash is a digest of the parts, which no other list of parts has.
func hash(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		fmt.Fprintf(h, "%d:%s", len(p), p)
	}
	return hex.EncodeToString(h.Sum(nil))
}

func text(v types.AttributeValue) string {
	if s, ok := v.(*types.AttributeValueMemberS); ok {
		return s.Value
	}
	return ""
}
