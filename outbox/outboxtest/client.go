package outboxtest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"reflect"
	"sync"
	"syscall"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/operation"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/tablename"
	"github.com/dynamodb-outbox/dynamodb-outbox/outbox"
)

// Client is a DynamoDB in memory, as far as a service needs one that writes its
// items and events with package outbox. See the package documentation for what it
// does not model. The zero value is ready to use. It is safe for concurrent use.
//
// The key of a table is pk, and sk if an item has it, unless [Client.CreateTable]
// has said otherwise. Tables need not be made.
//
// What a test asks for by [Client.Refuse], [Client.Conflict], [Client.Throttle] and
// [Client.LoseAnswer] waits in a queue. Each transaction that is sent takes one from
// it, also one that outbox.Commit sends again:
//
//	db.Conflict()
//	db.LoseAnswer()
//	err := outbox.Commit(ctx, &db, in, w) // a conflict, a lost answer, then success: nil
//
// PutItem and GetItem are no transactions, and take nothing from it.
type Client struct {
	mu     sync.Mutex // guards what follows
	keys   map[string]keySchema
	tables map[string]map[string]map[string]types.AttributeValue // by table and key
	opaque map[string]bool                                       // items that an Update has changed
	tokens map[string]receipt
	script []step
	judged map[int]bool // of the next transaction: conditions that are met
}

// receipt is a transaction that has committed under a token.
type receipt struct {
	actions []operation.Operation
	at      time.Time
}

// tokenLife is how long a ClientRequestToken is known
// (https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html).
const tokenLife = 10 * time.Minute

// step is what becomes of one request, in the place of what would.
type step struct {
	code  string // of a cancellation reason
	index int    // of the action that it is for
	lost  bool   // the answer is lost
}

// Refuse has the next transaction cancelled, with that code for action i, such as
// "ConditionalCheckFailed" or "ValidationError", and "None" for every other. A
// condition that is modelled needs no Refuse: an item that is there refuses
// attribute_not_exists by itself.
func (c *Client) Refuse(i int, code string) { c.add(step{code: code, index: i}) }

// Conflict has the next transaction cancelled for a conflict of its first action.
func (c *Client) Conflict() { c.add(step{code: "TransactionConflict"}) }

// Throttle has the next n transactions cancelled, each for throttling of its first
// action.
func (c *Client) Throttle(n int) {
	for range n {
		c.add(step{code: "ThrottlingError"})
	}
}

// LoseAnswer has the next transaction done as usual, and its answer lost: the
// caller gets the error of a connection that was cut.
func (c *Client) LoseAnswer() { c.add(step{lost: true}) }

// Accept says that the condition of action i is met, in the next transaction whose
// conditions are looked at: one that the test has cancelled is not. It is for
// conditions that are not modelled.
func (c *Client) Accept(i int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.judged == nil {
		c.judged = map[int]bool{}
	}
	c.judged[i] = true
}

func (c *Client) add(s step) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.script = append(c.script, s)
}

// CreateTable says what the key of a table is. Nothing else of it counts.
func (c *Client) CreateTable(_ context.Context, in *dynamodb.CreateTableInput, _ ...func(*dynamodb.Options)) (*dynamodb.CreateTableOutput, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.keys == nil {
		c.keys = map[string]keySchema{}
	}
	schema := keySchema{types: map[string]types.ScalarAttributeType{}}
	for _, k := range in.KeySchema {
		schema.names = append(schema.names, aws.ToString(k.AttributeName))
	}
	for _, a := range in.AttributeDefinitions {
		schema.types[aws.ToString(a.AttributeName)] = a.AttributeType
	}
	c.keys[tablename.Of(aws.ToString(in.TableName))] = schema
	return &dynamodb.CreateTableOutput{}, nil
}

// Committed reports whether a transaction with that ClientRequestToken has
// committed, also where the answer was lost.
func (c *Client) Committed(token string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, ok := c.tokens[token]
	return ok
}

// Items returns copies of the items of a table, in no particular order.
func (c *Client) Items(table string) []map[string]types.AttributeValue {
	c.mu.Lock()
	defer c.mu.Unlock()
	var items []map[string]types.AttributeValue
	for _, item := range c.tables[tablename.Of(table)] {
		items = append(items, stored(item))
	}
	return items
}

// TransactWriteItems does the transaction, or what the test has asked for. It
// refuses what DynamoDB's documentation refuses, as far as outbox.Writer.Check
// sees it. A transaction that is sent again with its token is a success that
// changes nothing, for ten minutes.
func (c *Client) TransactWriteItems(ctx context.Context, in *dynamodb.TransactWriteItemsInput, _ ...func(*dynamodb.Options)) (*dynamodb.TransactWriteItemsOutput, error) {
	out, err := c.transact(ctx, in)
	if err != nil {
		return nil, &smithy.OperationError{ServiceID: "DynamoDB", OperationName: "TransactWriteItems", Err: err}
	}
	return out, nil
}

func (c *Client) transact(ctx context.Context, in *dynamodb.TransactWriteItemsInput) (*dynamodb.TransactWriteItemsOutput, error) {
	if err := ctx.Err(); err != nil {
		return nil, &aws.RequestCanceledError{Err: err}
	}
	if in.ClientRequestToken == nil {
		in.ClientRequestToken = aws.String(rand.Text()) // as the SDK does
	}
	if err := check(in); err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	var now step
	if len(c.script) > 0 {
		now = c.script[0]
		if n := len(in.TransactItems); now.index < 0 || now.index >= n { // it stays: a mistake of the test that Commit must not retry away
			return nil, fmt.Errorf("outboxtest: Refuse(%d, …): the transaction has %d actions", now.index, n)
		}
		c.script = c.script[1:]
	}
	if now.code != "" {
		reasons := noReasons(len(in.TransactItems))
		reasons[now.index].Code = aws.String(now.code)
		return nil, cancelled(reasons) // no condition was judged: what Accept has said still holds
	}
	judged := c.judged
	c.judged = nil
	err := c.commit(in, judged)
	if err == nil && now.lost {
		err = &net.OpError{Op: "read", Net: "tcp", Err: syscall.ECONNRESET}
	}
	if err != nil {
		return nil, err
	}
	return &dynamodb.TransactWriteItemsOutput{}, nil
}

// checker makes the checks of a table that no test has.
var checker = func() *outbox.Writer {
	w, err := outbox.NewWriter("outboxtest.no.table", func(o *outbox.Options) { o.Source = "outboxtest" })
	if err != nil {
		panic(err)
	}
	return w
}()

// check refuses what DynamoDB refuses for certain.
func check(in *dynamodb.TransactWriteItemsInput) error {
	if err := checker.Check(in); err != nil {
		return invalid(err)
	}
	return nil
}

func invalid(err error) error {
	return &smithy.GenericAPIError{Code: "ValidationException", Message: err.Error()}
}

// commit judges the actions and does all of them, or none. It wants mu held.
func (c *Client) commit(in *dynamodb.TransactWriteItemsInput, judged map[int]bool) error {
	token := *in.ClientRequestToken
	actions := make([]operation.Operation, len(in.TransactItems))
	for i := range actions {
		actions[i] = sent(in.TransactItems[i])
	}
	if done, ok := c.tokens[token]; ok && time.Since(done.at) < tokenLife {
		if !reflect.DeepEqual(done.actions, actions) {
			return &types.IdempotentParameterMismatchException{Message: aws.String("the token was used for other actions")}
		}
		return nil
	}
	reasons, refused := noReasons(len(actions)), false
	changes := make([]func(), 0, len(actions))
	for i, action := range actions {
		a, err := c.action(action)
		if fault := new(keyFault); errors.As(err, &fault) {
			refused = true
			reasons[i] = types.CancellationReason{Code: aws.String("ValidationError"), Message: aws.String(fault.Error())}
			continue
		}
		if err != nil {
			return err
		}
		met := judged[i]
		if !met {
			if met, err = c.judge(a); err != nil {
				return fmt.Errorf("outboxtest: TransactItems[%d]: %w: say by Accept(%d) or Refuse(%d, …) what becomes of it", i, err, i, i)
			}
		}
		if !met {
			refused = true
			reasons[i] = types.CancellationReason{Code: aws.String("ConditionalCheckFailed"), Message: aws.String("The conditional request failed")}
			if a.wantsOld {
				reasons[i].Item = stored(a.old)
			}
			continue
		}
		changes = append(changes, a.do)
	}
	if refused {
		return cancelled(reasons)
	}
	for _, do := range changes {
		do()
	}
	if c.tokens == nil {
		c.tokens = map[string]receipt{}
	}
	c.tokens[token] = receipt{actions, time.Now()}
	return nil
}

func noReasons(n int) []types.CancellationReason {
	reasons := make([]types.CancellationReason, n)
	for i := range reasons {
		reasons[i].Code = aws.String("None")
	}
	return reasons
}

func cancelled(reasons []types.CancellationReason) error {
	return &types.TransactionCanceledException{Message: aws.String("Transaction cancelled"), CancellationReasons: reasons}
}

// PutItem puts an item, with its condition.
func (c *Client) PutItem(ctx context.Context, in *dynamodb.PutItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error) {
	err := ctx.Err()
	if err == nil {
		err = c.put(in)
	}
	if err != nil {
		return nil, &smithy.OperationError{ServiceID: "DynamoDB", OperationName: "PutItem", Err: err}
	}
	return &dynamodb.PutItemOutput{}, nil
}

func (c *Client) put(in *dynamodb.PutItemInput) error {
	action := types.TransactWriteItem{Put: &types.Put{
		TableName: in.TableName, Item: in.Item, ConditionExpression: in.ConditionExpression,
		ExpressionAttributeNames: in.ExpressionAttributeNames, ExpressionAttributeValues: in.ExpressionAttributeValues,
	}}
	if err := check(&dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{action}}); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	a, err := c.action(sent(action))
	if fault := new(keyFault); errors.As(err, &fault) {
		return invalid(err)
	}
	if err != nil {
		return err
	}
	met, err := c.judge(a)
	switch {
	case err != nil:
		return fmt.Errorf("outboxtest: PutItem: %w", err)
	case met:
		a.do()
		return nil
	}
	refused := &types.ConditionalCheckFailedException{Message: aws.String("The conditional request failed")}
	if in.ReturnValuesOnConditionCheckFailure == types.ReturnValuesOnConditionCheckFailureAllOld {
		refused.Item = stored(a.old)
	}
	return refused
}

// GetItem returns an item, whole. It is an error to ask for one that an Update
// has changed.
func (c *Client) GetItem(ctx context.Context, in *dynamodb.GetItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	table := tablename.Of(aws.ToString(in.TableName))
	key, err := c.keyOf(table, stored(in.Key))
	if fault := new(keyFault); errors.As(err, &fault) {
		err = invalid(err)
	}
	if err != nil {
		return nil, err
	}
	if c.opaque[table+"\x00"+key] {
		return nil, errors.New("outboxtest: GetItem: the item was changed by an Update, which is not modelled")
	}
	return &dynamodb.GetItemOutput{Item: stored(c.tables[table][key])}, nil
}
