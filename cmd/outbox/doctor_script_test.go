package main

import (
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/cmd/outbox/internal/doctor"
)

const (
	region    = "eu-west-1"
	account   = "123456789012"
	streamARN = "arn:aws:dynamodb:eu-west-1:123456789012:table/outbox-event-store/stream/2026-11-24T00:00:00.000"
	ruleARN   = "arn:aws:events:eu-west-1:123456789012:rule/outbox-bus/outbox-user-created"
)

func queueARN(name string) string { return "arn:aws:sqs:" + region + ":" + account + ":" + name }

// object is a JSON object of an answer.
type object = map[string]any

// fault is an answer that is an error.
type fault struct {
	status int
	code   string
}

var (
	denied = fault{http.StatusBadRequest, "AccessDeniedException"}
	absent = fault{http.StatusBadRequest, "ResourceNotFoundException"}
)

// world is a deployment as the APIs tell of it: an answer, an object or a
// fault, for each operation and, where there are several, what it is about.
type world map[string]any

// healthy is what the templates deploy.
func healthy() world {
	table := func(name, sk string) object {
		return object{"Table": object{
			"TableName": name, "TableStatus": "ACTIVE", "DeletionProtectionEnabled": true,
			"KeySchema":            []object{{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}},
			"AttributeDefinitions": []object{{"AttributeName": "pk", "AttributeType": "S"}, {"AttributeName": "sk", "AttributeType": sk}},
			"StreamSpecification":  object{"StreamEnabled": true, "StreamViewType": "NEW_IMAGE"}, "LatestStreamArn": streamARN,
		}}
	}
	function := func(timeout int, env object) object {
		return object{"State": "Active", "Timeout": timeout, "Environment": object{"Variables": env}}
	}
	queue := func(name, keeps string, more object) object {
		attributes := object{
			"QueueArn": queueARN(name), "VisibilityTimeout": "180", "MaximumMessageSize": "1048576", "MessageRetentionPeriod": keeps, "SqsManagedSseEnabled": "true",
			"Policy": `{"Version":"2012-10-17","Statement":[{"Sid":"TheRuleMaySend","Effect":"Allow","Principal":{"Service":"events.amazonaws.com"},"Action":"sqs:SendMessage","Resource":"` +
				queueARN(name) + `","Condition":{"ArnEquals":{"aws:SourceArn":"` + ruleARN + `"}}}]}`,
		}
		maps.Copy(attributes, more)
		return object{"Attributes": attributes}
	}
	w := world{
		"DescribeTable outbox-event-store":             table("outbox-event-store", "N"),
		"DescribeTable outbox-dead-letters":            table("outbox-dead-letters", "S"),
		"DescribeTimeToLive outbox-event-store":        object{"TimeToLiveDescription": object{"TimeToLiveStatus": "ENABLED", "AttributeName": "ttl"}},
		"DescribeContinuousBackups outbox-event-store": object{"ContinuousBackupsDescription": object{"ContinuousBackupsStatus": "ENABLED", "PointInTimeRecoveryDescription": object{"PointInTimeRecoveryStatus": "ENABLED"}}},
		"GetFunctionConfiguration outbox-relay":        function(60, object{"EVENT_BUS_NAME": "outbox-bus", "DEAD_LETTER_TABLE": "outbox-dead-letters"}),
		"GetFunctionConfiguration outbox-messaging":    function(30, object{}),
		"ListEventSourceMappings outbox-relay": object{"EventSourceMappings": []object{{
			"UUID": "11111111-2222-3333-4444-555555555555", "EventSourceArn": streamARN, "State": "Enabled", "LastProcessingResult": "OK", "StartingPosition": "TRIM_HORIZON",
			"BatchSize": 100, "MaximumBatchingWindowInSeconds": 1, "FunctionResponseTypes": []string{"ReportBatchItemFailures"}, "BisectBatchOnFunctionError": true,
			"MaximumRetryAttempts": -1, "MaximumRecordAgeInSeconds": 75600, "DestinationConfig": object{"OnFailure": object{"Destination": queueARN("outbox-relay-failures")}},
			"FilterCriteria": object{"Filters": []object{{"Pattern": `{"eventName":["INSERT"]}`}}},
		}}},
		"ListEventSourceMappings outbox-messaging": object{"EventSourceMappings": []object{{
			"UUID": "66666666-7777-8888-9999-000000000000", "EventSourceArn": queueARN("outbox-messaging"), "State": "Enabled", "BatchSize": 10, "FunctionResponseTypes": []string{"ReportBatchItemFailures"},
		}}},
		"DescribeEventBus outbox-bus": object{"Name": "outbox-bus"},
		"DescribeRule outbox-user-created": object{
			"Name": "outbox-user-created", "Arn": ruleARN, "State": "ENABLED", "EventPattern": `{"source":["userService"],"detail-type":["User.Created"]}`,
		},
		"ListTargetsByRule outbox-user-created": object{"Targets": []object{{
			"Id": "messaging", "Arn": queueARN("outbox-messaging"), "DeadLetterConfig": object{"Arn": queueARN("outbox-rule-dlq")}, "RetryPolicy": object{"MaximumEventAgeInSeconds": 86400, "MaximumRetryAttempts": 185},
		}}},
		"TestEventPattern":         object{"Result": true},
		"TestEventPattern control": object{"Result": true},
		"GetQueueAttributes outbox-messaging": queue("outbox-messaging", "345600", object{
			"RedrivePolicy": `{"deadLetterTargetArn":"` + queueARN("outbox-messaging-dlq") + `","maxReceiveCount":5}`,
		}),
		"GetQueueAttributes outbox-messaging-dlq":  queue("outbox-messaging-dlq", "1209600", nil),
		"GetQueueAttributes outbox-rule-dlq":       queue("outbox-rule-dlq", "1209600", nil),
		"GetQueueAttributes outbox-relay-failures": queue("outbox-relay-failures", "1209600", nil),
	}
	for _, key := range slices.Collect(maps.Keys(w)) {
		if name, ok := strings.CutPrefix(key, "GetQueueAttributes "); ok {
			w["GetQueueUrl "+name] = object{"QueueUrl": "https://sqs.example/" + account + "/" + name}
		}
	}
	return w
}

// part returns an object within an answer, to be changed.
func (w world) part(key string, path ...string) object {
	at := w[key].(object)
	for _, step := range path {
		switch next := at[step].(type) {
		case object:
			at = next
		case []object:
			at = next[0]
		}
	}
	return at
}

// serve is a server that speaks the protocols of the four services, and answers
// out of the world. It remembers the operations it was asked for.
func (w world) serve(t *testing.T) (cfg aws.Config, asked func() []string) {
	t.Helper()
	var mu sync.Mutex // guards seen
	var seen []string
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		operation, subject := operationOf(t, r)
		mu.Lock()
		seen = append(seen, operation)
		mu.Unlock()
		answer, ok := w[strings.TrimSpace(operation+" "+subject)]
		if !ok {
			answer = absent
			if operation == "GetQueueUrl" {
				answer = fault{http.StatusBadRequest, "com.amazonaws.sqs#QueueDoesNotExist"}
			}
		}
		if f, ok := answer.(fault); ok {
			if strings.HasPrefix(r.URL.Path, "/2015-03-31/") && f == absent {
				f.status = http.StatusNotFound
			}
			rw.Header().Set("X-Amzn-Errortype", f.code)
			rw.WriteHeader(f.status)
			_ = json.NewEncoder(rw).Encode(object{"__type": f.code, "message": "scripted"})
			return
		}
		_ = json.NewEncoder(rw).Encode(answer)
	}))
	t.Cleanup(server.Close)
	cfg = aws.Config{
		Region: region, BaseEndpoint: &server.URL, Credentials: credentials.NewStaticCredentialsProvider("KEY", "SECRET", ""),
		Retryer: func() aws.Retryer { return aws.NopRetryer{} },
	}
	return cfg, func() []string {
		mu.Lock()
		defer mu.Unlock()
		return slices.Clone(seen)
	}
}

// operationOf says what a request asks for, and about what.
func operationOf(t *testing.T, r *http.Request) (operation, subject string) {
	if rest, ok := strings.CutPrefix(r.URL.Path, "/2015-03-31/"); ok { // Lambda
		if strings.HasPrefix(rest, "event-source-mappings") {
			return "ListEventSourceMappings", r.URL.Query().Get("FunctionName") + " " + r.URL.Query().Get("Marker")
		}
		name := strings.TrimSuffix(strings.TrimPrefix(rest, "functions/"), "/configuration")
		name, err := url.PathUnescape(name)
		if err != nil {
			t.Error(err)
		}
		return "GetFunctionConfiguration", name
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		t.Error(err)
	}
	var in struct{ TableName, QueueName, QueueUrl, Name, Rule, EventPattern string }
	if err := json.Unmarshal(body, &in); err != nil {
		t.Errorf("%s: %v", r.Header.Get("X-Amz-Target"), err)
	}
	_, operation, _ = strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	if in.EventPattern == `{"source":[{"prefix":""}]}` {
		return operation, "control"
	}
	for _, s := range []string{in.TableName, in.QueueName, in.QueueUrl[strings.LastIndexByte(in.QueueUrl, '/')+1:], in.Rule, in.Name} {
		if s != "" {
			return operation, s
		}
	}
	return operation, ""
}

// inspect runs the doctor over the world.
func (w world) inspect(t *testing.T, args ...string) (code int, r doctor.Report, text string) {
	t.Helper()
	cfg, _ := w.serve(t)
	code, out := runDoctor(t, cfg, append([]string{"--json"}, args...)...)
	require.NoError(t, json.Unmarshal([]byte(out), &r), out)
	_, text = runDoctor(t, cfg, args...)
	return code, r, text
}
