"""Describes what is deployed under a name, as AWS's own client reads it: one JSON
document with everything that a template can set. What is generated (times, ids)
is left out or gets a fixed name, so that two deployments can be compared.
"""

import json
import re
import sys

from botocore.session import Session

name = sys.argv[1]
session = Session()


def client(service):
    return session.create_client(service)


def pages(c, operation, key, **params):
    return [v for page in c.get_paginator(operation).paginate(**params) for v in page[key]]


def only(thing, *keys):
    return {k: thing[k] for k in keys if k in thing}


def ordered(things):
    return sorted(things, key=lambda thing: json.dumps(thing, sort_keys=True))


def tables():
    c = client("dynamodb")
    for table in pages(c, "list_tables", "TableNames"):
        t = c.describe_table(TableName=table)["Table"]
        names.append((t.get("LatestStreamArn", "").rpartition("/")[2], "the-stream"))
        yield table, {
            **only(t, "KeySchema", "StreamSpecification", "DeletionProtectionEnabled"),
            "AttributeDefinitions": ordered(t["AttributeDefinitions"]),
            "BillingMode": t["BillingModeSummary"]["BillingMode"],
            "Encryption": t.get("SSEDescription", {}).get("Status"),
            "TTL": c.describe_time_to_live(TableName=table)["TimeToLiveDescription"].get("AttributeName"),
            "PointInTimeRecovery": c.describe_continuous_backups(TableName=table)["ContinuousBackupsDescription"]
            ["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"],
        }


def queues():
    c = client("sqs")
    for url in pages(c, "list_queues", "QueueUrls", QueueNamePrefix=name):
        attributes = c.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
        for generated in [k for k in attributes if k.startswith("Approximate") or k.endswith("Timestamp")]:
            del attributes[generated]
        for document in {"Policy", "RedrivePolicy"} & set(attributes):
            attributes[document] = json.loads(attributes[document])
        yield url.rpartition("/")[2], attributes


def buses():
    c = client("events")
    for bus in c.list_event_buses(NamePrefix=name)["EventBuses"]:
        rules = {}
        for rule in c.list_rules(EventBusName=bus["Name"])["Rules"]:
            rules[rule["Name"]] = {
                **only(rule, "Description", "State"),
                "EventPattern": json.loads(rule["EventPattern"]),
                "Targets": c.list_targets_by_rule(Rule=rule["Name"], EventBusName=bus["Name"])["Targets"],
            }
        yield bus["Name"], rules


def functions():
    c, iam = client("lambda"), client("iam")
    for f in pages(c, "list_functions", "Functions"):
        function, role = f["FunctionName"], f["Role"].rpartition("/")[2]
        policies = [
            iam.get_role_policy(RoleName=role, PolicyName=p)["PolicyDocument"]["Statement"]
            for p in iam.list_role_policies(RoleName=role)["PolicyNames"]
        ]
        mappings = []
        for m in pages(c, "list_event_source_mappings", "EventSourceMappings", FunctionName=function):
            names.append((m["UUID"], "mapping-of-" + function))
            for generated in "LastModified", "LastProcessingResult", "StateTransitionReason", "EventSourceMappingArn":
                m.pop(generated, None)
            mappings.append(m)
        try:
            invokers = json.loads(c.get_policy(FunctionName=function)["Policy"])["Statement"]
        except c.exceptions.ResourceNotFoundException:
            invokers = []
        yield function, {
            **only(f, "Runtime", "Handler", "Architectures", "MemorySize", "Timeout", "LoggingConfig", "CodeSha256"),
            "Environment": f["Environment"]["Variables"],
            "Mappings": mappings,
            "Permissions": [statement for policy in policies for statement in policy],
            "AssumeRole": iam.get_role(RoleName=role)["Role"]["AssumeRolePolicyDocument"],
            "Invokers": [only(s, "Effect", "Principal", "Action", "Resource", "Condition") for s in invokers],
        }


def apis():
    c = client("apigatewayv2")
    for api in c.get_apis()["Items"]:
        names.append((api["ApiId"], "the-api"))
        integrations = c.get_integrations(ApiId=api["ApiId"])["Items"]
        for i in integrations:
            names.append((i["IntegrationId"], "the-integration"))
        yield api["Name"], {
            "ProtocolType": api["ProtocolType"],
            "Routes": sorted(r["RouteKey"] + " " + r["Target"] for r in c.get_routes(ApiId=api["ApiId"])["Items"]),
            "Integrations": [only(i, "IntegrationType", "IntegrationUri", "PayloadFormatVersion", "TimeoutInMillis") for i in integrations],
            "Stages": [
                {
                    **only(s, "StageName", "AutoDeploy"),
                    "Throttling": [s.get("DefaultRouteSettings", {}).get(k) for k in ("ThrottlingBurstLimit", "ThrottlingRateLimit")],
                    "Log": s["AccessLogSettings"]["DestinationArn"].removesuffix(":*"),
                    "LogFormat": json.loads(s["AccessLogSettings"]["Format"]),
                }
                for s in c.get_stages(ApiId=api["ApiId"])["Items"]
            ],
        }


def logs():
    for group in pages(client("logs"), "describe_log_groups", "logGroups"):
        yield group["logGroupName"], group.get("retentionInDays")


def alarms():
    keys = (
        "AlarmDescription Namespace MetricName Dimensions Statistic Period EvaluationPeriods DatapointsToAlarm Threshold "
        "ComparisonOperator TreatMissingData AlarmActions OKActions ActionsEnabled Metrics"
    ).split()
    for alarm in pages(client("cloudwatch"), "describe_alarms", "MetricAlarms"):
        alarm["Dimensions"] = ordered(alarm["Dimensions"])
        yield alarm["AlarmName"], only(alarm, *keys)


def dashboards():
    c = client("cloudwatch")
    for d in pages(c, "list_dashboards", "DashboardEntries"):
        yield d["DashboardName"], json.loads(c.get_dashboard(DashboardName=d["DashboardName"])["DashboardBody"])


names = []  # what is generated, and what it is called here
parts = [tables, queues, buses, functions, apis, logs, alarms, dashboards]
text = json.dumps({part.__name__: dict(part()) for part in parts}, sort_keys=True, default=str)
for generated, fixed in names:
    if generated:
        text = re.sub(re.escape(generated), fixed, text)
print(text)
