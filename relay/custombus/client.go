package custombus

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/encoding/cbor"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/dynamodb-outbox/dynamodb-outbox/relay"
)

// api is what the publisher needs of the service: the seam at which the SDK's own
// client can take the place of this package's.
type api interface {
	// putEvents makes one call and returns what the service says of each entry.
	putEvents(ctx context.Context, bus busARN, entries []relay.Entry) ([]answerEntry, error)
	// describeEventBus returns the state of the bus.
	describeEventBus(ctx context.Context, bus busARN) (state string, err error)
}

// The names of the API (https://docs.aws.amazon.com/eventbridgev2/latest/APIReference/Welcome.html):
// the SDKs' for the service, the one in the path of its requests, and the one
// that signatures are made for.
const (
	serviceID   = "EventBridgeV2"
	servicePath = "/service/AWSEventsV2/operation/"
	signingName = "events"
)

// client speaks the protocol smithy-rpc-v2-cbor
// (https://smithy.io/2.0/additional-specs/protocols/smithy-rpc-v2.html) through the
// SDK's middleware: its retries, its signature, its errors.
type client struct {
	cfg       aws.Config
	endpoints endpoints
	retryer   aws.Retryer
	http      smithyhttp.ClientDo
	signer    *v4.Signer
	skew      atomic.Int64 // how far the service's clock is ahead of ours, in ns
}

func newClient(cfg aws.Config, endpoints endpoints) *client {
	c := &client{cfg: cfg, endpoints: endpoints, retryer: newRetryer(cfg), http: cfg.HTTPClient, signer: v4.NewSigner()}
	if c.http == nil {
		c.http = awshttp.NewBuildableClient()
	}
	return c
}

// newRetryer makes the retryer as the SDK's clients do.
func newRetryer(cfg aws.Config) aws.Retryer {
	var r aws.Retryer
	switch {
	case cfg.Retryer != nil:
		r = cfg.Retryer()
	case cfg.RetryMode == aws.RetryModeAdaptive:
		r = retry.NewAdaptiveMode()
	}
	if r == nil {
		r = retry.NewStandard()
	}
	if cfg.RetryMaxAttempts != 0 {
		r = retry.AddWithMaxAttempts(r, cfg.RetryMaxAttempts)
	}
	return r
}

func (c *client) putEvents(ctx context.Context, bus busARN, entries []relay.Entry) ([]answerEntry, error) {
	answer, err := c.call(ctx, "PutEvents", bus, putEventsBody(bus.text, entries))
	if err != nil {
		return nil, err
	}
	return answerEntries(answer)
}

func (c *client) describeEventBus(ctx context.Context, bus busARN) (string, error) {
	answer, err := c.call(ctx, "DescribeEventBus", bus, describeBody(bus.text))
	return text(answer, "State"), err
}

// call makes one call of an operation, with retries.
func (c *client) call(ctx context.Context, operation string, bus busARN, body []byte) (cbor.Map, error) {
	ctx = middleware.ClearStackValues(ctx)
	ctx = middleware.WithServiceID(ctx, serviceID)
	ctx = middleware.WithOperationName(ctx, operation)
	ctx = awsmiddleware.SetServiceID(ctx, serviceID)
	ctx = awsmiddleware.SetRegion(ctx, bus.region)
	if c.cfg.Logger != nil {
		ctx = middleware.SetLogger(ctx, c.cfg.Logger)
	}

	stack := middleware.NewStack(operation, smithyhttp.NewStackRequest)
	err := c.build(stack, operation, bus, body)
	for _, option := range c.cfg.APIOptions {
		if err == nil {
			err = option(stack)
		}
	}
	var result any
	if err == nil {
		result, _, err = middleware.DecorateHandler(smithyhttp.NewClientHandlerWithOptions(c.http), stack).Handle(ctx, nil)
	}
	if err != nil {
		return nil, &smithy.OperationError{ServiceID: serviceID, OperationName: operation, Err: err}
	}
	answer, _ := result.(cbor.Map)
	return answer, nil
}

// build puts together what the SDK's generated clients put together, in the same
// order and under the same names, so that middleware of the configuration finds
// its place.
func (c *client) build(stack *middleware.Stack, operation string, bus busARN, body []byte) error {
	attempts := retry.NewAttemptMiddleware(c.retryer, smithyhttp.RequestCloner, func(a *retry.Attempt) {
		a.LogAttempts = c.cfg.ClientLogMode.IsRetries()
		a.DisableClockSkewCorrection = c.cfg.DisableClockSkewCorrection
	})
	mode := c.cfg.ClientLogMode
	return errors.Join(
		stack.Serialize.Add(middleware.SerializeMiddlewareFunc("OperationSerializer", c.serialize(operation, bus, body)), middleware.After),
		awsmiddleware.AddClientRequestIDMiddleware(stack),
		awsmiddleware.AddSDKAgentKeyValue(awsmiddleware.APIMetadata, "eventbridgev2", "dynamodb-outbox")(stack),
		awsmiddleware.AddRecursionDetection(stack),
		stack.Finalize.Add(attempts, middleware.After),
		stack.Finalize.Add(middleware.FinalizeMiddlewareFunc("Signing", c.sign(bus, body)), middleware.After),
		stack.Deserialize.Add(middleware.DeserializeMiddlewareFunc("OperationDeserializer", deserialize), middleware.After),
		awsmiddleware.AddRawResponseToMetadata(stack),
		stack.Deserialize.Add(&awsmiddleware.RecordResponseTiming{DisableClockSkewCorrection: c.cfg.DisableClockSkewCorrection}, middleware.After),
		awsmiddleware.AddRequestIDRetrieverMiddleware(stack),
		awshttp.AddResponseErrorMiddleware(stack),
		stack.Deserialize.Add(&smithyhttp.RequestResponseLogger{
			LogRequest: mode.IsRequest(), LogRequestWithBody: mode.IsRequestWithBody(),
			LogResponse: mode.IsResponse(), LogResponseWithBody: mode.IsResponseWithBody(),
		}, middleware.After),
	)
}

type (
	serializeFunc = func(context.Context, middleware.SerializeInput, middleware.SerializeHandler) (middleware.SerializeOutput, middleware.Metadata, error)
	finalizeFunc  = func(context.Context, middleware.FinalizeInput, middleware.FinalizeHandler) (middleware.FinalizeOutput, middleware.Metadata, error)
)

func (c *client) serialize(operation string, bus busARN, body []byte) serializeFunc {
	return func(ctx context.Context, in middleware.SerializeInput, next middleware.SerializeHandler) (out middleware.SerializeOutput, md middleware.Metadata, err error) {
		req, err := request(in.Request)
		if err != nil {
			return out, md, err
		}
		u, err := c.endpoints.of(bus)
		if err != nil {
			return out, md, err
		}
		u.Path += servicePath + operation
		req.URL, req.Method = u, http.MethodPost
		req.Header.Set("Smithy-Protocol", "rpc-v2-cbor")
		req.Header.Set("Accept", "application/cbor")
		req.Header.Set("Content-Type", "application/cbor")
		// No WriteTo, by which smithy-go would tell net/http of an error where the body
		// has no more: when the answer begins before net/http asks, it closes the
		// connection under it, and the call is made again.
		stream := struct{ io.ReadSeeker }{bytes.NewReader(body)}
		if in.Request, err = req.SetStream(stream); err != nil {
			return out, md, err
		}
		return next.HandleSerialize(ctx, in)
	}
}

// sign signs each attempt, by the service's clock if that is known.
func (c *client) sign(bus busARN, body []byte) finalizeFunc {
	sum := sha256.Sum256(body)
	hash := hex.EncodeToString(sum[:])
	return func(ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler) (out middleware.FinalizeOutput, md middleware.Metadata, err error) {
		req, err := request(in.Request)
		if err != nil {
			return out, md, err
		}
		credentials, err := c.cfg.Credentials.Retrieve(ctx)
		if err != nil {
			return out, md, fmt.Errorf("get credentials: %w", err)
		}
		now := time.Now().Add(time.Duration(c.skew.Load()))
		if err := c.signer.SignHTTP(ctx, credentials, req.Request, hash, signingName, bus.region, now); err != nil {
			return out, md, &v4.SigningError{Err: err}
		}
		out, md, err = next.HandleFinalize(ctx, in)
		if skew, ok := awsmiddleware.GetAttemptSkew(md); ok {
			c.skew.Store(int64(skew)) // for the next attempt
		}
		return out, md, err
	}
}

func request(r any) (*smithyhttp.Request, error) {
	req, ok := r.(*smithyhttp.Request)
	if !ok {
		return nil, fmt.Errorf("custombus: unknown transport type %T", r)
	}
	return req, nil
}

// deserialize reads an answer.
func deserialize(ctx context.Context, in middleware.DeserializeInput, next middleware.DeserializeHandler) (out middleware.DeserializeOutput, md middleware.Metadata, err error) {
	out, md, err = next.HandleDeserialize(ctx, in)
	if err != nil {
		return out, md, err
	}
	resp, ok := out.RawResponse.(*smithyhttp.Response)
	if !ok {
		return out, md, &smithy.DeserializationError{Err: fmt.Errorf("unknown transport type %T", out.RawResponse)}
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return out, md, &smithy.DeserializationError{Err: err}
	}
	out.Result, err = decodeAnswer(resp.StatusCode, body)
	return out, md, err
}
