# Every alarm is one series that the relay emits (relay.EMF) or that AWS publishes; the tests hold the list. What an alarm
# does not say is the usual: one sum of a minute above zero.

locals {
  alarms = {
    oldest-unpublished = {
      description = "The oldest event that a batch of the relay began with was older than a minute: events are committed and not yet published."
      namespace   = local.metrics_namespace
      metric      = "OldestAge"
      statistic   = "Maximum"
      threshold   = 60000
      periods     = 3
      datapoints  = 2
    }
    relay-iterator-age = {
      description = "Lambda is five minutes behind the stream, which forgets after 24 hours."
      namespace   = "AWS/Lambda"
      metric      = "IteratorAge"
      dimensions  = { FunctionName = aws_lambda_function.relay.function_name }
      statistic   = "Maximum"
      threshold   = 300000
      periods     = 3
      datapoints  = 3
    }
    relay-errors = {
      description = "The relay ended with an error, a panic or a timeout."
      namespace   = "AWS/Lambda"
      metric      = "Errors"
      dimensions  = { FunctionName = aws_lambda_function.relay.function_name }
      periods     = 5
      datapoints  = 2
    }
    relay-failed = {
      description = "Records have been unpublished for five minutes running and come again and again."
      namespace   = local.metrics_namespace
      metric      = "Failed"
      periods     = 5
      datapoints  = 5
    }
    relay-config-faults = {
      description = "The bus refuses for a reason that is not in the event: a permission, an absent bus. Events are held, not lost."
      namespace   = local.metrics_namespace
      metric      = "ConfigFaults"
    }
    relay-dead-letters = {
      description = "The relay has put an event into the dead-letter table. Look why, mend it, redrive it."
      namespace   = local.metrics_namespace
      metric      = "DeadLettered"
    }
    relay-journal-failed = {
      description = "The journal did not take events that are published. Nothing is lost; an audit calls them missing, and a replay of what is missing publishes them twice."
      namespace   = local.metrics_namespace
      metric      = "JournalFailed"
      periods     = 5
      datapoints  = 2
    }
    relay-throttled = {
      description = "Lambda throttles the relay: the account's concurrency is used up."
      namespace   = "AWS/Lambda"
      metric      = "Throttles"
      dimensions  = { FunctionName = aws_lambda_function.relay.function_name }
      periods     = 5
      datapoints  = 3
    }
    relay-gave-up = {
      description = "Lambda gave up on a batch after its record age. The events are in the event store: publish them again, see docs/operations.md."
      namespace   = "AWS/SQS"
      metric      = "ApproximateNumberOfMessagesVisible"
      dimensions  = { QueueName = aws_sqs_queue.stopped["relay-failures"].name }
      statistic   = "Maximum"
    }
    relay-dropped-records = {
      description = "Lambda dropped records of the event store's stream. The events are in the event store: publish them again, see docs/operations.md."
      namespace   = "AWS/Lambda"
      metric      = "DroppedEventCount"
      dimensions  = { EventSourceMappingUUID = aws_lambda_event_source_mapping.relay.uuid }
    }
    relay-failing = {
      description = "Invocations of the relay have failed, or left records unpublished, for 15 minutes. The stream keeps records for 24 hours."
      namespace   = "AWS/Lambda"
      metric      = "FailedInvokeEventCount"
      dimensions  = { EventSourceMappingUUID = aws_lambda_event_source_mapping.relay.uuid }
      period      = 300
      periods     = 3
      datapoints  = 3
    }
    relay-failures-undelivered = {
      description = "Lambda gave up on a batch and could not say so to the on-failure queue. The events are in the event store: publish them again, see docs/operations.md."
      namespace   = "AWS/Lambda"
      metric      = "DestinationDeliveryFailures"
      dimensions  = { FunctionName = aws_lambda_function.relay.function_name }
    }
    relay-skipped-items = {
      description = "The relay skipped new items that have no marker. If they are events, the Layout of the writer and that of the relay do not have the same marker."
      namespace   = local.metrics_namespace
      metric      = "SkippedNotEvent"
      on          = var.alarm_on_skipped_items
    }
    relay-skipped-region = {
      description = "The relay skipped events of another region. Its OUTBOX_REGION is misspelt, or is not the region of the writers."
      namespace   = local.metrics_namespace
      metric      = "SkippedRegion"
      on          = var.alarm_on_skipped_region
    }
    put-events-throttled = {
      description = "PutEvents is throttled in this account and region. The relay retries; ask for a higher quota if it goes on."
      namespace   = "AWS/Events"
      metric      = "PutEventsApproximateThrottledCount"
      periods     = 5
      datapoints  = 3
    }
    rule-dead-letters = {
      description = "The rule could not deliver an event to the queue. The attributes of the message say why."
      namespace   = "AWS/SQS"
      metric      = "ApproximateNumberOfMessagesVisible"
      dimensions  = { QueueName = aws_sqs_queue.stopped["rule-dlq"].name }
      statistic   = "Maximum"
    }
    rule-lost-events = {
      description = "The rule could deliver an event neither to the queue nor to its dead-letter queue. The event is in the event store: publish it again, see docs/operations.md."
      namespace   = "AWS/Events"
      metric      = "InvocationsFailedToBeSentToDlq"
      dimensions  = { EventBusName = aws_cloudwatch_event_bus.event_bus.name, RuleName = aws_cloudwatch_event_rule.user_created.name }
    }
    messaging-dead-letters = {
      description = "The messaging service failed on a message five times."
      namespace   = "AWS/SQS"
      metric      = "ApproximateNumberOfMessagesVisible"
      dimensions  = { QueueName = aws_sqs_queue.stopped["messaging-dlq"].name }
      statistic   = "Maximum"
    }
    messaging-behind = {
      description = "A message has waited for the messaging service for ten minutes."
      namespace   = "AWS/SQS"
      metric      = "ApproximateAgeOfOldestMessage"
      dimensions  = { QueueName = aws_sqs_queue.messaging_queue.name }
      statistic   = "Maximum"
      threshold   = 600
      periods     = 3
      datapoints  = 3
    }
    messaging-errors = {
      description = "The messaging service ended with an error, a panic or a timeout."
      namespace   = "AWS/Lambda"
      metric      = "Errors"
      dimensions  = { FunctionName = aws_lambda_function.messaging_service.function_name }
      periods     = 5
      datapoints  = 3
    }
    user-service-errors = {
      description = "The user service ended with an error, a panic or a timeout."
      namespace   = "AWS/Lambda"
      metric      = "Errors"
      dimensions  = { FunctionName = aws_lambda_function.user_service.function_name }
      periods     = 5
      datapoints  = 2
    }
    api-faults = {
      description = "The API answers with 5xx."
      namespace   = "AWS/ApiGateway"
      metric      = "5xx"
      dimensions  = { ApiId = aws_apigatewayv2_api.http_api.id }
      periods     = 5
      datapoints  = 3
    }
    event-store-throttled = {
      description = "DynamoDB throttles writes to the event store: business transactions are refused."
      namespace   = "AWS/DynamoDB"
      metric      = "WriteThrottleEvents"
      dimensions  = { TableName = aws_dynamodb_table.table["event-store"].name }
      periods     = 5
      datapoints  = 3
    }
  }
}

resource "aws_cloudwatch_metric_alarm" "alarm" {
  for_each = { for key, alarm in local.alarms : key => alarm if try(alarm.on, true) }

  alarm_name          = "${var.name}-${each.key}"
  alarm_description   = each.value.description
  namespace           = each.value.namespace
  metric_name         = each.value.metric
  dimensions          = try(each.value.dimensions, {})
  statistic           = try(each.value.statistic, "Sum")
  period              = try(each.value.period, 60)
  evaluation_periods  = try(each.value.periods, 1)
  datapoints_to_alarm = try(each.value.datapoints, 1)
  threshold           = try(each.value.threshold, 0)
  comparison_operator = "GreaterThanThreshold"
  treat_missing_data  = "notBreaching"
  alarm_actions       = local.alarm_actions
  ok_actions          = local.alarm_actions
}

# The other alarms of the relay are silent when it does not run at all; this one is not.
resource "aws_cloudwatch_metric_alarm" "relay_stalled" {
  alarm_name          = "${var.name}-relay-stalled"
  alarm_description   = "Events are written and the relay has not run for two periods of five minutes: the mapping is disabled, or points at an old stream."
  evaluation_periods  = 2
  datapoints_to_alarm = 2
  threshold           = 0
  comparison_operator = "GreaterThanThreshold"
  treat_missing_data  = "notBreaching"
  alarm_actions       = local.alarm_actions
  ok_actions          = local.alarm_actions

  metric_query {
    id          = "stalled"
    expression  = "IF(FILL(written,0) > 0 AND FILL(invocations,0) == 0, 1, 0)"
    return_data = true
  }

  metric_query {
    id          = "written"
    return_data = false

    metric {
      namespace   = "AWS/DynamoDB"
      metric_name = "ConsumedWriteCapacityUnits"
      dimensions  = { TableName = aws_dynamodb_table.table["event-store"].name }
      stat        = "Sum"
      period      = 300
    }
  }

  metric_query {
    id          = "invocations"
    return_data = false

    metric {
      namespace   = "AWS/Lambda"
      metric_name = "Invocations"
      dimensions  = { FunctionName = aws_lambda_function.relay.function_name }
      stat        = "Sum"
      period      = 300
    }
  }
}
