package main

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/cmd/outbox/internal/doctor"
)

// runDoctor runs the verb against an AWS.
func runDoctor(t *testing.T, cfg aws.Config, args ...string) (code int, out string) {
	t.Helper()
	code, out, stderr := outbox(t, cfg, append([]string{"doctor"}, args...)...)
	require.Empty(t, stderr)
	return code, out
}

func TestHealthyDeployment(t *testing.T) {
	code, report, text := healthy().inspect(t)
	require.Equal(t, doctor.Healthy, code, text)
	for _, f := range report.Findings {
		require.Equal(t, doctor.OK, f.Severity, "%+v", f)
		require.NotEmpty(t, f.Check)
		require.NotEmpty(t, f.Subject)
		require.Empty(t, f.Why)
	}
	require.Contains(t, text, "0 problems, 0 warnings, 0 not checked")
	w := healthy()
	w.part(relayFunc)["Timeout"] = 3
	w.part(relayMapping, "EventSourceMappings")["State"] = "Disabled"
	_, _, text = w.inspect(t)
	require.Contains(t, text, "1 problem, 1 warning, 0 not checked")
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
	severity doctor.Severity
	says     string // in the finding
}{
	{"no event store", func(w world) { delete(w, store) }, "table.exists", doctor.Problem, "nothing of that name"},
	{"event store being made", func(w world) { w.part(store, "Table")["TableStatus"] = "CREATING" }, "table.exists", doctor.Problem, "CREATING"},
	{"no stream", func(w world) { delete(w.part(store, "Table"), "StreamSpecification") }, "table.stream", doctor.Problem, "never published"},
	{"stream of keys", func(w world) { w.part(store, "Table", "StreamSpecification")["StreamViewType"] = "KEYS_ONLY" }, "table.stream-view", doctor.Problem, "another ARN"},
	{"stream of old images", func(w world) { w.part(store, "Table", "StreamSpecification")["StreamViewType"] = "OLD_IMAGE" }, "table.stream-view", doctor.Problem, "NEW_IMAGE"},
	{"stream of both images", func(w world) { w.part(store, "Table", "StreamSpecification")["StreamViewType"] = "NEW_AND_OLD_IMAGES" }, "table.stream-view", doctor.Warning, "6 MB"},
	{"strongly consistent global table", func(w world) {
		makeGlobal(w)
		w.part(store, "Table")["MultiRegionConsistency"] = "STRONG"
	}, "table.consistency", doctor.Problem, "takes no transactions, and has no TTL"},
	{"global table with a stream of keys", func(w world) {
		makeGlobal(w)
		w.part(store, "Table", "StreamSpecification")["StreamViewType"] = "KEYS_ONLY"
	}, "table.stream-view", doctor.Problem, "does not carry the event"},
	{"no deletion protection", func(w world) { delete(w.part(store, "Table"), "DeletionProtectionEnabled") }, "table.deletion-protection", doctor.Warning, "off"},
	{"no TTL", func(w world) {
		w.part("DescribeTimeToLive outbox-event-store", "TimeToLiveDescription")["TimeToLiveStatus"] = "DISABLED"
	}, "table.ttl", doctor.Warning, "update-time-to-live"},
	{"TTL on another attribute", func(w world) {
		w.part("DescribeTimeToLive outbox-event-store", "TimeToLiveDescription")["AttributeName"] = "expires"
	}, "table.ttl", doctor.Warning, "expires"},
	{"no point-in-time recovery", func(w world) {
		w.part("DescribeContinuousBackups outbox-event-store", "ContinuousBackupsDescription", "PointInTimeRecoveryDescription")["PointInTimeRecoveryStatus"] = "DISABLED"
	}, "table.backups", doctor.Warning, "is read from this table"},

	{"no relay", func(w world) { delete(w, relayFunc) }, "relay.exists", doctor.Problem, "nothing publishes"},
	{"relay failed to deploy", func(w world) { w.part(relayFunc)["State"] = "Failed" }, "relay.exists", doctor.Problem, "Failed"},
	{"relay sends to another bus", func(w world) { w.part(relayFunc, "Environment", "Variables")["EVENT_BUS_NAME"] = "default" }, "relay.bus", doctor.Problem, "another bus"},
	{"relay without dead letters", func(w world) { delete(w.part(relayFunc, "Environment", "Variables"), "DEAD_LETTER_TABLE") }, "relay.dead-letters", doctor.Unchecked, "holds up its shard"},
	{"relay that does not say its bus", func(w world) { delete(w.part(relayFunc, "Environment", "Variables"), "EVENT_BUS_NAME") }, "relay.bus", doctor.Unchecked, "outbox-bus"},
	{"relay of another region", func(w world) { w.part(relayFunc, "Environment", "Variables")["OUTBOX_REGION"] = "eu-west1" }, "relay.region", doctor.Warning, "eu-west1"},
	{"relay with 3 seconds", func(w world) { w.part(relayFunc)["Timeout"] = 3 }, "relay.timeout", doctor.Warning, "3 s"},
	{"no table of dead letters", func(w world) { delete(w, "DescribeTable outbox-dead-letters") }, "dead-letters.exists", doctor.Problem, "nowhere to go"},
	{"dead letters with other keys", func(w world) { w["DescribeTable outbox-dead-letters"] = w[store] }, "dead-letters.keys", doctor.Problem, "pk S, sk N"},

	{"no mapping", func(w world) { w[relayMapping] = object{"EventSourceMappings": []object{}} }, "mapping.exists", doctor.Problem, "nothing is published"},
	{"mapping of another table", func(w world) {
		w.part(relayMapping, "EventSourceMappings")["EventSourceArn"] = strings.Replace(streamARN, "outbox-event-store", "other", 1)
	}, "mapping.exists", doctor.Problem, "0"},
	{"two mappings", func(w world) {
		m := w.part(relayMapping, "EventSourceMappings")
		w.part(relayMapping)["EventSourceMappings"] = []object{m, m}
	}, "mapping.exists", doctor.Problem, "published twice"},
	{"two mappings, on two pages", func(w world) {
		w.part(relayMapping)["NextMarker"] = "page-2"
		w[relayMapping+" page-2"] = object{"EventSourceMappings": []object{w.part(relayMapping, "EventSourceMappings")}}
	}, "mapping.exists", doctor.Problem, "published twice"},
	{"mapping of an old stream", func(w world) { w.part(store, "Table")["LatestStreamArn"] = streamARN + "x" }, "mapping.stream", doctor.Problem, "switched off and on"},
	{"disabled mapping", func(w world) { w.part(relayMapping, "EventSourceMappings")["State"] = "Disabled" }, "mapping.state", doctor.Problem, "--enabled"},
	{"mapping coming up", func(w world) { w.part(relayMapping, "EventSourceMappings")["State"] = "Creating" }, "mapping.state", doctor.Warning, "wait"},
	{"last batch failed", func(w world) {
		w.part(relayMapping, "EventSourceMappings")["LastProcessingResult"] = "PROBLEM: Function call failed"
	}, "mapping.last-result", doctor.Problem, "those behind it wait"},
	{"no response type", func(w world) { delete(w.part(relayMapping, "EventSourceMappings"), "FunctionResponseTypes") }, "mapping.response-types", doctor.Problem, "LOST"},
	{"no bisect", func(w world) { w.part(relayMapping, "EventSourceMappings")["BisectBatchOnFunctionError"] = false }, "mapping.bisect", doctor.Warning, "--bisect-batch-on-function-error"},
	{"three retries", func(w world) { w.part(relayMapping, "EventSourceMappings")["MaximumRetryAttempts"] = 3 }, "mapping.retries", doctor.Problem, "skip events"},
	{"no record age", func(w world) { w.part(relayMapping, "EventSourceMappings")["MaximumRecordAgeInSeconds"] = -1 }, "mapping.record-age", doctor.Warning, "forgets after 24 hours"},
	{"record age of 23.5 hours", func(w world) { w.part(relayMapping, "EventSourceMappings")["MaximumRecordAgeInSeconds"] = 84600 }, "mapping.record-age", doctor.Warning, "forgets after 24 hours"},
	{"record age of a week", func(w world) { w.part(relayMapping, "EventSourceMappings")["MaximumRecordAgeInSeconds"] = 604800 }, "mapping.record-age", doctor.Warning, "604800 s"},
	{"record age of almost six hours", func(w world) { w.part(relayMapping, "EventSourceMappings")["MaximumRecordAgeInSeconds"] = 21599 }, "mapping.record-age", doctor.Problem, "skip events"},
	{"no on-failure destination", func(w world) { delete(w.part(relayMapping, "EventSourceMappings"), "DestinationConfig") }, "mapping.on-failure", doctor.Problem, "skipped in silence"},
	{"on-failure queue gone", func(w world) { delete(w, "GetQueueUrl outbox-relay-failures") }, "mapping.on-failure-queue", doctor.Problem, "cannot report"},
	{"from LATEST", func(w world) { w.part(relayMapping, "EventSourceMappings")["StartingPosition"] = "LATEST" }, "mapping.starting-position", doctor.Warning, "passed over"},
	{"one record a batch", func(w world) { w.part(relayMapping, "EventSourceMappings")["BatchSize"] = 1 }, "mapping.batch-size", doctor.Warning, "10 entries"},
	{"filter that matches nothing", func(w world) { setFilter(w, `{"eventName":["Insert"]}`) }, "mapping.filter", doctor.Problem, "LOST"},
	{"filter on a number", func(w world) { setFilter(w, `{"dynamodb":{"NewImage":{"sk":{"N":[1764000000000]}}}}`) }, "mapping.filter", doctor.Problem, "never comes back"},
	{"filter beyond the doctor", func(w world) { setFilter(w, `{"eventName":[{"wildcard":"INS*"}]}`) }, "mapping.filter", doctor.Unchecked, `"wildcard"`},

	{"no bus", func(w world) { delete(w, "DescribeEventBus outbox-bus") }, "bus.exists", doctor.Problem, "answer success"},
	{"no rule", func(w world) { delete(w, theRule) }, "rule.exists", doctor.Problem, "gives them to nobody"},
	{"disabled rule", func(w world) { w.part(theRule)["State"] = "DISABLED" }, "rule.enabled", doctor.Problem, "enable-rule"},
	{"rule that does not match", func(w world) { w.part("TestEventPattern")["Result"] = false }, "rule.matches", doctor.Problem, "case counts"},
	{"rule of a schedule", func(w world) { delete(w.part(theRule), "EventPattern") }, "rule.matches", doctor.Problem, "no event pattern"},
	{"rule that does not match, and a TestEventPattern that says no to everything", func(w world) {
		w["TestEventPattern"], w["TestEventPattern control"] = object{}, object{}
		w.part(theRule)["EventPattern"] = `{"source":["userservice"]}`
	}, "rule.matches", doctor.Problem, "userservice"},
	{"rule that does not match, and no TestEventPattern", func(w world) {
		w["TestEventPattern"] = denied
		w.part(theRule)["EventPattern"] = `{"source":["userservice"]}`
	}, "rule.matches", doctor.Problem, "userservice"},
	{"rule beyond the doctor, and no TestEventPattern", func(w world) {
		w["TestEventPattern"] = denied
		w.part(theRule)["EventPattern"] = `{"source":[{"wildcard":"user*"}]}`
	}, "rule.matches", doctor.Unchecked, "AccessDeniedException"},

	{"no queue", func(w world) { delete(w, "GetQueueUrl outbox-messaging") }, "queue.exists", doctor.Problem, "nowhere to deliver"},
	{"no queue policy", func(w world) { delete(w.part(theQueue, "Attributes"), "Policy") }, "queue.policy", doctor.Problem, "may not send"},
	{"queue policy for another rule", func(w world) { replacePolicy(w, ruleARN, ruleARN+"-2") }, "queue.policy", doctor.Problem, "may not send"},
	{"queue policy for everybody", func(w world) {
		replacePolicy(w, `,"Condition":{"ArnEquals":{"aws:SourceArn":"`+ruleARN+`"}}`, "")
	}, "queue.policy", doctor.Warning, "every rule of every account"},
	{"queue policy with a denial", func(w world) { replacePolicy(w, `"Effect":"Allow"`, `"Effect":"Deny"`) }, "queue.policy", doctor.Unchecked, "denies"},
	{"queue policy with another condition", func(w world) { replacePolicy(w, `"ArnEquals":{"aws:SourceArn"`, `"IpAddress":{"aws:SourceIp"`) }, "queue.policy", doctor.Unchecked, "aws:SourceIp"},
	{"queue policy that is no JSON", func(w world) { w.part(theQueue, "Attributes")["Policy"] = "{" }, "queue.policy", doctor.Unchecked, "cannot tell"},
	{"key that AWS manages", func(w world) { w.part(theQueue, "Attributes")["KmsMasterKeyId"] = "alias/aws/sqs" }, "queue.policy-encryption", doctor.Problem, "cannot use the key"},
	{"key of one's own", func(w world) { w.part(theQueue, "Attributes")["KmsMasterKeyId"] = "alias/mine" }, "queue.policy-encryption", doctor.Unchecked, "kms:Decrypt"},
	{"queue of 256 KiB", func(w world) { w.part(theQueue, "Attributes")["MaximumMessageSize"] = "262144" }, "queue.message-size", doctor.Warning, "262144 bytes"},
	{"short visibility", func(w world) { w.part(theQueue, "Attributes")["VisibilityTimeout"] = "179" }, "queue.visibility", doctor.Warning, "6 × the 30 s"},
	{"visibility under the timeout", func(w world) { w.part(theQueue, "Attributes")["VisibilityTimeout"] = "29" }, "queue.visibility", doctor.Problem, "29 s"},
	{"no redrive policy", func(w world) { delete(w.part(theQueue, "Attributes"), "RedrivePolicy") }, "queue.dlq", doctor.Problem, "until it expires"},
	{"redrive after one receive", func(w world) {
		w.part(theQueue, "Attributes")["RedrivePolicy"] = `{"deadLetterTargetArn":"` + queueARN("outbox-messaging-dlq") + `","maxReceiveCount":"1"}`
	}, "queue.receives", doctor.Warning, "throttling"},
	{"redrive to nowhere", func(w world) { delete(w, "GetQueueUrl outbox-messaging-dlq") }, "queue.dlq-exists", doctor.Problem, "nothing of that name"},
	{"dead-letter queue forgets first", func(w world) {
		w.part("GetQueueAttributes outbox-messaging-dlq", "Attributes")["MessageRetentionPeriod"] = "345600"
	}, "queue.dlq-retention", doctor.Warning, "keeps its age"},

	{"rule without the target", func(w world) { w.part(theTargets)["Targets"] = []object{} }, "target.exists", doctor.Problem, "0 targets"},
	{"target without a dead-letter queue", func(w world) { delete(w.part(theTargets, "Targets"), "DeadLetterConfig") }, "target.dlq", doctor.Problem, "dropped"},
	{"target retries for a minute", func(w world) { w.part(theTargets, "Targets", "RetryPolicy")["MaximumEventAgeInSeconds"] = 60 }, "target.retry", doctor.Warning, "60 s"},
	{"dead-letter queue of the target gone", func(w world) { delete(w, "GetQueueUrl outbox-rule-dlq") }, "target.dlq-exists", doctor.Problem, "dropped"},
	{"dead-letter queue of the target without a policy", func(w world) {
		delete(w.part("GetQueueAttributes outbox-rule-dlq", "Attributes"), "Policy")
	}, "target.dlq-policy", doctor.Problem, "may not send"},
	{"the consumer reads another queue", func(w world) {
		w.part("ListEventSourceMappings outbox-messaging", "EventSourceMappings")["EventSourceArn"] = "arn:aws:sqs:" + region + ":" + account + ":other"
	}, "consumer-mapping.exists", doctor.Problem, "nobody reads"},
	{"nobody reads the queue", func(w world) { w["ListEventSourceMappings outbox-messaging"] = object{} }, "consumer-mapping.exists", doctor.Problem, "nobody reads"},
	{"consumer without response type", func(w world) {
		delete(w.part("ListEventSourceMappings outbox-messaging", "EventSourceMappings"), "FunctionResponseTypes")
	}, "consumer-mapping.response-types", doctor.Problem, "with it"},
	{"consumer's mapping disabled", func(w world) {
		w.part("ListEventSourceMappings outbox-messaging", "EventSourceMappings")["State"] = "Disabled"
	}, "consumer-mapping.state", doctor.Problem, "does not read"},
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
	require.Equal(t, doctor.Healthy, code, text)
	require.Zero(t, count(report, doctor.Warning), text)

	w.part(store, "Table")["MultiRegionConsistency"] = "STRONG"
	w.part("DescribeTimeToLive outbox-event-store", "TimeToLiveDescription")["TimeToLiveStatus"] = "DISABLED"
	_, report, text = w.inspect(t)
	require.Equal(t, 1, count(report, doctor.Problem), text)
	require.Zero(t, count(report, doctor.Warning), "a strongly consistent table can have no TTL: %s", text)
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
			var got []doctor.Finding
			for _, f := range report.Findings {
				if f.Severity != doctor.OK {
					got = append(got, f)
				}
			}
			i := slices.IndexFunc(got, func(f doctor.Finding) bool { return f.Check == tt.check && f.Severity == tt.severity })
			require.GreaterOrEqual(t, i, 0, "%+v", got)
			f := got[i]
			whole := strings.Join([]string{f.Subject, f.Found, f.Want, f.Why, f.Mend}, "\n")
			require.Contains(t, whole, tt.says)
			require.NotEmpty(t, f.Why, "a finding explains itself")
			require.Contains(t, text, f.Why)
			switch tt.severity {
			case doctor.Problem:
				require.Equal(t, doctor.Problems, code)
			case doctor.Unchecked:
				require.NotEqual(t, doctor.Healthy, code)
			case doctor.Warning:
				require.Equal(t, doctor.Healthy, code, "%+v", got)
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
			require.Equal(t, doctor.Healthy, code, text)
		})
	}
}

func TestNoPermissions(t *testing.T) {
	w := healthy()
	for key := range w {
		w[key] = denied
	}
	code, report, text := w.inspect(t)
	require.Equal(t, doctor.Unclear, code)
	require.Zero(t, count(report, doctor.Problem), "what cannot be seen is not called wrong: %s", text)
	require.Contains(t, text, "outbox doctor --policy")
}

func TestNoAnswer(t *testing.T) {
	w := healthy()
	for key := range w {
		w[key] = fault{500, "InternalFailure"}
	}
	code, report, _ := w.inspect(t)
	require.Equal(t, doctor.Unclear, code)
	require.Zero(t, count(report, doctor.OK))
}

// TestPermissionsAreEnoughAndReadOnly: what is asked for is in the policy, and
// nothing in it writes.
func TestPermissionsAreEnoughAndReadOnly(t *testing.T) {
	w := healthy()
	cfg, asked := w.serve(t)
	_, _ = runDoctor(t, cfg)
	var policy struct {
		Statement []struct{ Action, Resource []string }
	}
	code, text := runDoctor(t, cfg, "--policy")
	require.Equal(t, doctor.Healthy, code)
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
	code, _, text := w.inspect(t, "--event-store", "events", "--marker", "kind")
	require.Equal(t, doctor.Healthy, code, text)
	code, _, text = w.inspect(t, "--event-store", "events")
	require.Equal(t, doctor.Problems, code, "without the marker, the filter matches no event")
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
	checks := func(r doctor.Report, s doctor.Severity) (all []string) {
		for _, f := range r.Findings {
			if f.Severity == s {
				all = append(all, f.Check)
			}
		}
		return all
	}
	code, report, text := own().inspect(t)
	require.Equal(t, doctor.Unclear, code, text)
	require.Empty(t, checks(report, doctor.Problem))
	require.ElementsMatch(t, []string{"relay.bus", "relay.dead-letters"}, checks(report, doctor.Unchecked))
	require.Contains(t, text, "--dead-letters")

	w := own()
	w["DescribeTable outbox-dead-letters"] = w[store]
	_, report, _ = w.inspect(t, "--dead-letters", "outbox-dead-letters")
	require.Contains(t, checks(report, doctor.Problem), "dead-letters.keys", "the templates' name, but given")

	code, report, text = own().inspect(t, "--dead-letters", "letters")
	require.Equal(t, doctor.Unclear, code, text)
	require.Empty(t, checks(report, doctor.Problem))
	require.Contains(t, checks(report, doctor.OK), "dead-letters.keys")

	w = own()
	w["DescribeTable letters"] = w[store]
	_, report, _ = w.inspect(t, "--dead-letters", "letters")
	require.Equal(t, []string{"dead-letters.keys"}, checks(report, doctor.Problem))
	_, report, _ = own().inspect(t, "--dead-letters", "no-such-table")
	require.Equal(t, []string{"dead-letters.exists"}, checks(report, doctor.Problem))

	cfg, _ := own().serve(t)
	_, text = runDoctor(t, cfg, "--policy", "--dead-letters", "letters")
	require.Contains(t, text, "table/letters")
	require.NotContains(t, text, "outbox-dead-letters")
}

// TestDoctorHelp: the names that are looked at where no flag gives another can be
// read.
func TestDoctorHelp(t *testing.T) {
	code, out, _ := outbox(t, aws.Config{}, "doctor", "-h")
	require.Equal(t, exitDone, code)
	of := map[string]string{}
	for _, part := range strings.Split(out, " --")[1:] {
		flag, text, _ := strings.Cut(part, "=")
		of[flag] = strings.Join(strings.Fields(text), " ")
	}
	for flag, name := range map[string]string{
		"event-store": "Default: NAME-event-store", "ttl": "(default ttl)", "marker": "Default: none", "dead-letters": "Default: NAME-dead-letters",
		"relay": "Default: NAME-relay", "bus": "Default: NAME-bus", "rule": "Default: NAME-user-created", "queue": "Default: NAME-messaging",
		"consumer": "Default: NAME-messaging", "source": "(default userService)", "detail-type": "(default User.Created)", "name": "(default outbox)",
	} {
		require.Contains(t, of[flag], name, flag)
	}
}

// count is the number of findings of a severity.
func count(r doctor.Report, s doctor.Severity) (n int) {
	for _, f := range r.Findings {
		if f.Severity == s {
			n++
		}
	}
	return n
}
