package main

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/enginetest"
)

func TestMain(m *testing.M) { os.Exit(enginetest.Main(m)) }

// doctor runs the command against an AWS.
func doctor(t *testing.T, cfg aws.Config, args ...string) (code int, out string) {
	t.Helper()
	var stdout, stderr strings.Builder
	code = run(t.Context(), args, func(context.Context) (aws.Config, error) { return cfg, nil }, &stdout, &stderr)
	require.Empty(t, stderr.String())
	return code, stdout.String()
}

func TestHealthyDeployment(t *testing.T) {
	code, report, text := healthy().inspect(t)
	require.Equal(t, exitHealthy, code, text)
	for _, f := range report.Findings {
		require.Equal(t, OK, f.Severity, "%+v", f)
		require.NotEmpty(t, f.Check)
		require.NotEmpty(t, f.Subject)
		require.Empty(t, f.Why)
	}
	require.Contains(t, text, "0 problems, 0 warnings, 0 not checked")
	require.Contains(t, text, "mapping.response-types")
}

const (
	relayMapping = "ListEventSourceMappings outbox-relay"
	relayFunc    = "GetFunctionConfiguration outbox-relay"
	store        = "DescribeTable outbox-event-store"
	theRule      = "DescribeRule outbox-user-created"
	theTargets   = "ListTargetsByRule outbox-user-created"
	theQueue     = "GetQueueAttributes outbox-messaging"
)

// faults are deployments with one thing wrong.
var faults = []struct {
	name     string
	wrong    func(w world)
	check    string
	severity Severity
	says     string // in the finding
}{
	{"no event store", func(w world) { delete(w, store) }, "table.exists", Problem, "nothing of that name"},
	{"event store being made", func(w world) { w.part(store, "Table")["TableStatus"] = "CREATING" }, "table.exists", Problem, "CREATING"},
	{"no stream", func(w world) { delete(w.part(store, "Table"), "StreamSpecification") }, "table.stream", Problem, "never published"},
	{"stream of keys", func(w world) { w.part(store, "Table", "StreamSpecification")["StreamViewType"] = "KEYS_ONLY" }, "table.stream-view", Problem, "another ARN"},
	{"stream of old images", func(w world) { w.part(store, "Table", "StreamSpecification")["StreamViewType"] = "OLD_IMAGE" }, "table.stream-view", Problem, "NEW_IMAGE"},
	{"stream of both images", func(w world) { w.part(store, "Table", "StreamSpecification")["StreamViewType"] = "NEW_AND_OLD_IMAGES" }, "table.stream-view", Warning, "6 MB"},
	{"strongly consistent global table", func(w world) {
		makeGlobal(w)
		w.part(store, "Table")["MultiRegionConsistency"] = "STRONG"
	}, "table.consistency", Problem, "takes no transactions, and has no TTL"},
	{"global table with a stream of keys", func(w world) {
		makeGlobal(w)
		w.part(store, "Table", "StreamSpecification")["StreamViewType"] = "KEYS_ONLY"
	}, "table.stream-view", Problem, "does not carry the event"},
	{"no deletion protection", func(w world) { delete(w.part(store, "Table"), "DeletionProtectionEnabled") }, "table.deletion-protection", Warning, "off"},
	{"no TTL", func(w world) {
		w.part("DescribeTimeToLive outbox-event-store", "TimeToLiveDescription")["TimeToLiveStatus"] = "DISABLED"
	}, "table.ttl", Warning, "update-time-to-live"},
	{"TTL on another attribute", func(w world) {
		w.part("DescribeTimeToLive outbox-event-store", "TimeToLiveDescription")["AttributeName"] = "expires"
	}, "table.ttl", Warning, "expires"},
	{"no point-in-time recovery", func(w world) {
		w.part("DescribeContinuousBackups outbox-event-store", "ContinuousBackupsDescription", "PointInTimeRecoveryDescription")["PointInTimeRecoveryStatus"] = "DISABLED"
	}, "table.backups", Warning, "is read from this table"},

	{"no relay", func(w world) { delete(w, relayFunc) }, "relay.exists", Problem, "nothing publishes"},
	{"relay failed to deploy", func(w world) { w.part(relayFunc)["State"] = "Failed" }, "relay.exists", Problem, "Failed"},
	{"relay sends to another bus", func(w world) { w.part(relayFunc, "Environment", "Variables")["EVENT_BUS_NAME"] = "default" }, "relay.bus", Problem, "another bus"},
	{"relay without dead letters", func(w world) { delete(w.part(relayFunc, "Environment", "Variables"), "DEAD_LETTER_TABLE") }, "relay.dead-letters", Unchecked, "holds up its shard"},
	{"relay that does not say its bus", func(w world) { delete(w.part(relayFunc, "Environment", "Variables"), "EVENT_BUS_NAME") }, "relay.bus", Unchecked, "outbox-bus"},
	{"relay of another region", func(w world) { w.part(relayFunc, "Environment", "Variables")["OUTBOX_REGION"] = "eu-west1" }, "relay.region", Warning, "eu-west1"},
	{"relay with 3 seconds", func(w world) { w.part(relayFunc)["Timeout"] = 3 }, "relay.timeout", Warning, "3 s"},
	{"no table of dead letters", func(w world) { delete(w, "DescribeTable outbox-dead-letters") }, "dead-letters.exists", Problem, "nowhere to go"},
	{"dead letters with other keys", func(w world) { w["DescribeTable outbox-dead-letters"] = w[store] }, "dead-letters.keys", Problem, "pk S, sk N"},

	{"no mapping", func(w world) { w[relayMapping] = object{"EventSourceMappings": []object{}} }, "mapping.exists", Problem, "nothing is published"},
	{"mapping of another table", func(w world) {
		w.part(relayMapping, "EventSourceMappings")["EventSourceArn"] = strings.Replace(streamARN, "outbox-event-store", "other", 1)
	}, "mapping.exists", Problem, "0"},
	{"two mappings", func(w world) {
		m := w.part(relayMapping, "EventSourceMappings")
		w.part(relayMapping)["EventSourceMappings"] = []object{m, m}
	}, "mapping.exists", Problem, "published twice"},
	{"mapping of an old stream", func(w world) { w.part(store, "Table")["LatestStreamArn"] = streamARN + "x" }, "mapping.stream", Problem, "switched off and on"},
	{"disabled mapping", func(w world) { w.part(relayMapping, "EventSourceMappings")["State"] = "Disabled" }, "mapping.state", Problem, "--enabled"},
	{"mapping coming up", func(w world) { w.part(relayMapping, "EventSourceMappings")["State"] = "Creating" }, "mapping.state", Warning, "wait"},
	{"last batch failed", func(w world) {
		w.part(relayMapping, "EventSourceMappings")["LastProcessingResult"] = "PROBLEM: Function call failed"
	}, "mapping.last-result", Problem, "those behind it wait"},
	{"no response type", func(w world) { delete(w.part(relayMapping, "EventSourceMappings"), "FunctionResponseTypes") }, "mapping.response-types", Problem, "LOST"},
	{"no bisect", func(w world) { w.part(relayMapping, "EventSourceMappings")["BisectBatchOnFunctionError"] = false }, "mapping.bisect", Warning, "--bisect-batch-on-function-error"},
	{"three retries", func(w world) { w.part(relayMapping, "EventSourceMappings")["MaximumRetryAttempts"] = 3 }, "mapping.retries", Problem, "skip events"},
	{"no record age", func(w world) { w.part(relayMapping, "EventSourceMappings")["MaximumRecordAgeInSeconds"] = -1 }, "mapping.record-age", Warning, "forgets after 24 hours"},
	{"record age of a week", func(w world) { w.part(relayMapping, "EventSourceMappings")["MaximumRecordAgeInSeconds"] = 604800 }, "mapping.record-age", Warning, "604800 s"},
	{"record age of a minute", func(w world) { w.part(relayMapping, "EventSourceMappings")["MaximumRecordAgeInSeconds"] = 60 }, "mapping.record-age", Problem, "skip events"},
	{"no on-failure destination", func(w world) { delete(w.part(relayMapping, "EventSourceMappings"), "DestinationConfig") }, "mapping.on-failure", Problem, "skipped in silence"},
	{"on-failure queue gone", func(w world) { delete(w, "GetQueueUrl outbox-relay-failures") }, "mapping.on-failure-queue", Problem, "cannot report"},
	{"from LATEST", func(w world) { w.part(relayMapping, "EventSourceMappings")["StartingPosition"] = "LATEST" }, "mapping.starting-position", Warning, "passed over"},
	{"one record a batch", func(w world) { w.part(relayMapping, "EventSourceMappings")["BatchSize"] = 1 }, "mapping.batch-size", Warning, "10 entries"},
	{"filter that matches nothing", func(w world) { setFilter(w, `{"eventName":["Insert"]}`) }, "mapping.filter", Problem, "LOST"},
	{"filter on a number", func(w world) { setFilter(w, `{"dynamodb":{"NewImage":{"sk":{"N":[1764000000000]}}}}`) }, "mapping.filter", Problem, "never comes back"},
	{"filter beyond the doctor", func(w world) { setFilter(w, `{"eventName":[{"wildcard":"INS*"}]}`) }, "mapping.filter", Unchecked, `"wildcard"`},

	{"no bus", func(w world) { delete(w, "DescribeEventBus outbox-bus") }, "bus.exists", Problem, "answer success"},
	{"no rule", func(w world) { delete(w, theRule) }, "rule.exists", Problem, "gives them to nobody"},
	{"disabled rule", func(w world) { w.part(theRule)["State"] = "DISABLED" }, "rule.enabled", Problem, "enable-rule"},
	{"rule that does not match", func(w world) { w.part("TestEventPattern")["Result"] = false }, "rule.matches", Problem, "case counts"},
	{"rule of a schedule", func(w world) { delete(w.part(theRule), "EventPattern") }, "rule.matches", Problem, "no event pattern"},
	{"rule that does not match, and a TestEventPattern that says no to everything", func(w world) {
		w["TestEventPattern"], w["TestEventPattern control"] = object{}, object{}
		w.part(theRule)["EventPattern"] = `{"source":["userservice"]}`
	}, "rule.matches", Problem, "userservice"},
	{"rule that does not match, and no TestEventPattern", func(w world) {
		w["TestEventPattern"] = denied
		w.part(theRule)["EventPattern"] = `{"source":["userservice"]}`
	}, "rule.matches", Problem, "userservice"},
	{"rule beyond the doctor, and no TestEventPattern", func(w world) {
		w["TestEventPattern"] = denied
		w.part(theRule)["EventPattern"] = `{"source":[{"wildcard":"user*"}]}`
	}, "rule.matches", Unchecked, "AccessDeniedException"},

	{"no queue", func(w world) { delete(w, "GetQueueUrl outbox-messaging") }, "queue.exists", Problem, "nowhere to deliver"},
	{"no queue policy", func(w world) { delete(w.part(theQueue, "Attributes"), "Policy") }, "queue.policy", Problem, "may not send"},
	{"queue policy for another rule", func(w world) { replacePolicy(w, ruleARN, ruleARN+"-2") }, "queue.policy", Problem, "may not send"},
	{"queue policy for everybody", func(w world) {
		replacePolicy(w, `,"Condition":{"ArnEquals":{"aws:SourceArn":"`+ruleARN+`"}}`, "")
	}, "queue.policy", Warning, "every rule of every account"},
	{"queue policy with a denial", func(w world) { replacePolicy(w, `"Effect":"Allow"`, `"Effect":"Deny"`) }, "queue.policy", Unchecked, "denies"},
	{"queue policy with another condition", func(w world) { replacePolicy(w, `"ArnEquals":{"aws:SourceArn"`, `"IpAddress":{"aws:SourceIp"`) }, "queue.policy", Unchecked, "aws:SourceIp"},
	{"queue policy that is no JSON", func(w world) { w.part(theQueue, "Attributes")["Policy"] = "{" }, "queue.policy", Unchecked, "cannot tell"},
	{"key that AWS manages", func(w world) { w.part(theQueue, "Attributes")["KmsMasterKeyId"] = "alias/aws/sqs" }, "queue.policy-encryption", Problem, "cannot use the key"},
	{"key of one's own", func(w world) { w.part(theQueue, "Attributes")["KmsMasterKeyId"] = "alias/mine" }, "queue.policy-encryption", Unchecked, "kms:Decrypt"},
	{"queue of 256 KiB", func(w world) { w.part(theQueue, "Attributes")["MaximumMessageSize"] = "262144" }, "queue.message-size", Warning, "262144 bytes"},
	{"short visibility", func(w world) { w.part(theQueue, "Attributes")["VisibilityTimeout"] = "179" }, "queue.visibility", Warning, "6 × the 30 s"},
	{"visibility under the timeout", func(w world) { w.part(theQueue, "Attributes")["VisibilityTimeout"] = "29" }, "queue.visibility", Problem, "29 s"},
	{"no redrive policy", func(w world) { delete(w.part(theQueue, "Attributes"), "RedrivePolicy") }, "queue.dlq", Problem, "until it expires"},
	{"redrive after one receive", func(w world) {
		w.part(theQueue, "Attributes")["RedrivePolicy"] = `{"deadLetterTargetArn":"` + queueARN("outbox-messaging-dlq") + `","maxReceiveCount":"1"}`
	}, "queue.receives", Warning, "throttling"},
	{"redrive to nowhere", func(w world) { delete(w, "GetQueueUrl outbox-messaging-dlq") }, "queue.dlq-exists", Problem, "nothing of that name"},
	{"dead-letter queue forgets first", func(w world) {
		w.part("GetQueueAttributes outbox-messaging-dlq", "Attributes")["MessageRetentionPeriod"] = "345600"
	}, "queue.dlq-retention", Warning, "keeps its age"},

	{"rule without the target", func(w world) { w.part(theTargets)["Targets"] = []object{} }, "target.exists", Problem, "0 targets"},
	{"target without a dead-letter queue", func(w world) { delete(w.part(theTargets, "Targets"), "DeadLetterConfig") }, "target.dlq", Problem, "dropped"},
	{"target retries for a minute", func(w world) { w.part(theTargets, "Targets", "RetryPolicy")["MaximumEventAgeInSeconds"] = 60 }, "target.retry", Warning, "60 s"},
	{"dead-letter queue of the target gone", func(w world) { delete(w, "GetQueueUrl outbox-rule-dlq") }, "target.dlq-exists", Problem, "dropped"},
	{"dead-letter queue of the target without a policy", func(w world) {
		delete(w.part("GetQueueAttributes outbox-rule-dlq", "Attributes"), "Policy")
	}, "target.dlq-policy", Problem, "may not send"},
	{"nobody reads the queue", func(w world) { w["ListEventSourceMappings outbox-messaging"] = object{} }, "consumer-mapping.exists", Problem, "nobody reads"},
	{"consumer without response type", func(w world) {
		delete(w.part("ListEventSourceMappings outbox-messaging", "EventSourceMappings"), "FunctionResponseTypes")
	}, "consumer-mapping.response-types", Problem, "with it"},
	{"consumer's mapping disabled", func(w world) {
		w.part("ListEventSourceMappings outbox-messaging", "EventSourceMappings")["State"] = "Disabled"
	}, "consumer-mapping.state", Problem, "does not read"},
}

// makeGlobal makes the event store a replica of a global table: its stream has
// both images, whoever made it.
func makeGlobal(w world) {
	table := w.part(store, "Table")
	table["Replicas"] = []object{{"RegionName": "us-east-1", "ReplicaStatus": "ACTIVE"}}
	table["MultiRegionConsistency"] = "EVENTUAL"
	w.part(store, "Table", "StreamSpecification")["StreamViewType"] = "NEW_AND_OLD_IMAGES"
}

// TestGlobalTable: what DynamoDB gives every global table is nothing to mend.
func TestGlobalTable(t *testing.T) {
	w := healthy()
	makeGlobal(w)
	w.part(relayFunc, "Environment", "Variables")["OUTBOX_REGION"] = region
	code, report, text := w.inspect(t)
	require.Equal(t, exitHealthy, code, text)
	require.Zero(t, report.count(Warning), text)

	w.part(store, "Table")["MultiRegionConsistency"] = "STRONG"
	w.part("DescribeTimeToLive outbox-event-store", "TimeToLiveDescription")["TimeToLiveStatus"] = "DISABLED"
	_, report, text = w.inspect(t)
	require.Equal(t, 1, report.count(Problem), text)
	require.Zero(t, report.count(Warning), "a strongly consistent table can have no TTL: %s", text)
}

func setFilter(w world, pattern string) {
	w.part(relayMapping, "EventSourceMappings")["FilterCriteria"] = object{"Filters": []object{{"Pattern": pattern}}}
}

func replacePolicy(w world, old, new string) {
	attributes := w.part(theQueue, "Attributes")
	attributes["Policy"] = strings.ReplaceAll(attributes["Policy"].(string), old, new)
}

func TestEachFaultIsFound(t *testing.T) {
	for _, tt := range faults {
		t.Run(tt.name, func(t *testing.T) {
			w := healthy()
			tt.wrong(w)
			code, report, text := w.inspect(t)
			var got []Finding
			for _, f := range report.Findings {
				if f.Severity != OK {
					got = append(got, f)
				}
			}
			i := slices.IndexFunc(got, func(f Finding) bool { return f.Check == tt.check && f.Severity == tt.severity })
			require.GreaterOrEqual(t, i, 0, "%+v", got)
			f := got[i]
			whole := strings.Join([]string{f.Subject, f.Found, f.Want, f.Why, f.Mend}, "\n")
			require.Contains(t, whole, tt.says)
			require.NotEmpty(t, f.Why, "a finding explains itself")
			require.Contains(t, text, f.Why)
			switch tt.severity {
			case Problem:
				require.Equal(t, exitProblems, code)
			case Unchecked:
				require.NotEqual(t, exitHealthy, code)
			case Warning:
				require.Equal(t, exitHealthy, code, "%+v", got)
			}
		})
	}
}

// TestRuleWithoutTestEventPattern: where EventBridge cannot be asked, the doctor
// evaluates the pattern itself.
func TestRuleWithoutTestEventPattern(t *testing.T) {
	for name, answer := range map[string]any{"denied": denied, "an emulator that says no to everything": object{}} {
		t.Run(name, func(t *testing.T) {
			w := healthy()
			w["TestEventPattern"], w["TestEventPattern control"] = answer, answer
			code, _, text := w.inspect(t)
			require.Equal(t, exitHealthy, code, text)
		})
	}
}

func TestNoPermissions(t *testing.T) {
	w := healthy()
	for key := range w {
		w[key] = denied
	}
	code, report, text := w.inspect(t)
	require.Equal(t, exitUnclear, code)
	require.Zero(t, report.count(Problem), "what cannot be seen is not called wrong: %s", text)
	require.Contains(t, text, "doctor -policy")
}

func TestNoAnswer(t *testing.T) {
	w := healthy()
	for key := range w {
		w[key] = fault{500, "InternalFailure"}
	}
	code, report, _ := w.inspect(t)
	require.Equal(t, exitUnclear, code)
	require.Zero(t, report.count(OK))
}

// TestPermissionsAreEnoughAndReadOnly: what is asked for is in the policy, and
// nothing in it writes.
func TestPermissionsAreEnoughAndReadOnly(t *testing.T) {
	w := healthy()
	cfg, asked := w.serve(t)
	_, _ = doctor(t, cfg)
	var policy struct {
		Statement []struct{ Action, Resource []string }
	}
	code, text := doctor(t, cfg, "-policy")
	require.Equal(t, exitHealthy, code)
	require.NoError(t, json.Unmarshal([]byte(text), &policy))
	var granted []string
	for _, s := range policy.Statement {
		for _, action := range s.Action {
			_, operation, _ := strings.Cut(action, ":")
			granted = append(granted, operation)
			require.Regexp(t, "^(Describe|Get|List|Test)", operation)
		}
		if slices.Contains(s.Resource, "*") {
			require.ElementsMatch(t, []string{"lambda:ListEventSourceMappings", "events:TestEventPattern"}, s.Action)
		}
	}
	operations := map[string]bool{}
	for _, o := range asked() {
		operations[o] = true
	}
	require.ElementsMatch(t, granted, slices.Collect(maps.Keys(operations)), "granted and used")
	require.Contains(t, text, "arn:aws:dynamodb:*:*:table/outbox-event-store")
}

func TestOtherNames(t *testing.T) {
	w := healthy()
	w["DescribeTable events"] = w[store]
	w["DescribeTimeToLive events"] = w["DescribeTimeToLive outbox-event-store"]
	w["DescribeContinuousBackups events"] = w["DescribeContinuousBackups outbox-event-store"]
	delete(w, store)
	m := w.part(relayMapping, "EventSourceMappings")
	m["EventSourceArn"] = strings.Replace(streamARN, "outbox-event-store", "events", 1)
	w.part("DescribeTable events", "Table")["LatestStreamArn"] = m["EventSourceArn"]
	setFilter(w, `{"eventName":["INSERT"],"dynamodb":{"NewImage":{"kind":{"S":[{"prefix":"outbox/"}]}}}}`)
	code, _, text := w.inspect(t, "-event-store", "events", "-marker", "kind")
	require.Equal(t, exitHealthy, code, text)
	code, _, text = w.inspect(t, "-event-store", "events")
	require.Equal(t, exitProblems, code, "without the marker, the filter matches no event")
	require.Contains(t, text, "mapping.filter")
}

// TestRelayOfOnesOwn: a relay with another configuration than the example's has
// no problem because of that, and its dead letters are looked at where a flag
// says.
func TestRelayOfOnesOwn(t *testing.T) {
	own := func() world {
		w := healthy()
		delete(w.part(relayFunc), "Environment")
		w["DescribeTable letters"] = w["DescribeTable outbox-dead-letters"]
		delete(w, "DescribeTable outbox-dead-letters")
		return w
	}
	checks := func(r Report, s Severity) (all []string) {
		for _, f := range r.Findings {
			if f.Severity == s {
				all = append(all, f.Check)
			}
		}
		return all
	}
	code, report, text := own().inspect(t)
	require.Equal(t, exitUnclear, code, text)
	require.Empty(t, checks(report, Problem))
	require.ElementsMatch(t, []string{"relay.bus", "relay.dead-letters"}, checks(report, Unchecked))
	require.Contains(t, text, "-dead-letters")

	w := own()
	w["DescribeTable outbox-dead-letters"] = w[store]
	_, report, _ = w.inspect(t, "-dead-letters", "outbox-dead-letters")
	require.Contains(t, checks(report, Problem), "dead-letters.keys", "the templates' name, but given")

	code, report, text = own().inspect(t, "-dead-letters", "letters")
	require.Equal(t, exitUnclear, code, text)
	require.Empty(t, checks(report, Problem))
	require.Contains(t, checks(report, OK), "dead-letters.keys")

	w = own()
	w["DescribeTable letters"] = w[store]
	_, report, _ = w.inspect(t, "-dead-letters", "letters")
	require.Equal(t, []string{"dead-letters.keys"}, checks(report, Problem))
	_, report, _ = own().inspect(t, "-dead-letters", "no-such-table")
	require.Equal(t, []string{"dead-letters.exists"}, checks(report, Problem))

	cfg, _ := own().serve(t)
	_, text = doctor(t, cfg, "-policy", "-dead-letters", "letters")
	require.Contains(t, text, "table/letters")
	require.NotContains(t, text, "outbox-dead-letters")
}

// TestHelp: the names that are looked at where no flag gives another can be read.
func TestHelp(t *testing.T) {
	var out, errOut strings.Builder
	require.Equal(t, exitHealthy, run(t.Context(), []string{"-h"}, nil, &out, &errOut))
	for flag, name := range map[string]string{
		"event-store": "outbox-event-store", "ttl": "ttl", "marker": "none", "dead-letters": "outbox-dead-letters", "relay": "outbox-relay", "bus": "outbox-bus",
		"rule": "outbox-user-created", "queue": "outbox-messaging", "consumer": "outbox-messaging", "source": "userService", "detail-type": "User.Created",
	} {
		require.Regexp(t, `(?m)^  -`+flag+` \S+\n.*\(default `+name+`\)$`, errOut.String())
	}
	require.Contains(t, errOut.String(), "with -name shop, shop-event-store")
}

func TestUsage(t *testing.T) {
	noRegion := func(context.Context) (aws.Config, error) { return aws.Config{}, nil }
	for _, tt := range []struct {
		name string
		args []string
		load func(context.Context) (aws.Config, error)
		says string
	}{
		{"unknown flag", []string{"-x"}, noRegion, "flag provided but not defined"},
		{"argument", []string{"outbox"}, noRegion, "unexpected argument"},
		{"no region", nil, noRegion, "AWS_REGION"},
		{"no configuration", nil, func(context.Context) (aws.Config, error) { return aws.Config{}, errors.New("bad profile") }, "bad profile"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var out, errOut strings.Builder
			require.Equal(t, exitUsage, run(t.Context(), tt.args, tt.load, &out, &errOut))
			require.Contains(t, errOut.String(), tt.says)
			require.Empty(t, out.String())
		})
	}
}
