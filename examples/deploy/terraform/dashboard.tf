locals {
  # A row is what CloudWatch wants: namespace, metric, dimensions, options.
  widgets = [
    {
      title = "Published, held, dead-lettered (events)"
      metrics = [
        [local.metrics_namespace, "Published", { stat = "Sum" }],
        [local.metrics_namespace, "Suppressed", { stat = "Sum" }],
        [local.metrics_namespace, "Retried", { stat = "Sum" }],
        [local.metrics_namespace, "Failed", { stat = "Sum" }],
        [local.metrics_namespace, "DeadLettered", { stat = "Sum" }],
        [local.metrics_namespace, "ConfigFaults", { stat = "Sum" }],
      ]
    },
    {
      title = "Age of the oldest and newest event of a batch (ms)"
      metrics = [
        [local.metrics_namespace, "OldestAge", { stat = "Maximum" }],
        [local.metrics_namespace, "NewestAge", { stat = "Average" }],
        ["AWS/Lambda", "IteratorAge", "FunctionName", aws_lambda_function.relay.function_name, { stat = "Maximum" }],
      ]
    },
    {
      title = "Relay: invocations, errors, duration"
      metrics = [
        ["AWS/Lambda", "Invocations", "FunctionName", aws_lambda_function.relay.function_name, { stat = "Sum" }],
        ["AWS/Lambda", "Errors", "FunctionName", aws_lambda_function.relay.function_name, { stat = "Sum" }],
        ["AWS/Lambda", "Throttles", "FunctionName", aws_lambda_function.relay.function_name, { stat = "Sum" }],
        [local.metrics_namespace, "Duration", { stat = "Maximum" }],
      ]
    },
    {
      title = "Bus: calls, throttling, delivery"
      metrics = [
        [local.metrics_namespace, "Calls", { stat = "Sum" }],
        [local.metrics_namespace, "FailedCalls", { stat = "Sum" }],
        ["AWS/Events", "PutEventsApproximateThrottledCount", { stat = "Sum" }],
        ["AWS/Events", "Invocations", "EventBusName", aws_cloudwatch_event_bus.event_bus.name, "RuleName", aws_cloudwatch_event_rule.user_created.name, { stat = "Sum" }],
        ["AWS/Events", "FailedInvocations", "EventBusName", aws_cloudwatch_event_bus.event_bus.name, "RuleName", aws_cloudwatch_event_rule.user_created.name, { stat = "Sum" }],
      ]
    },
    {
      title = "Queues: waiting, age (s)"
      metrics = [
        ["AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", aws_sqs_queue.messaging_queue.name, { stat = "Maximum" }],
        ["AWS/SQS", "ApproximateAgeOfOldestMessage", "QueueName", aws_sqs_queue.messaging_queue.name, { stat = "Maximum" }],
      ]
    },
    {
      title = "Dead letters (messages)"
      metrics = [
        ["AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", aws_sqs_queue.stopped["relay-failures"].name, { stat = "Maximum" }],
        ["AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", aws_sqs_queue.stopped["rule-dlq"].name, { stat = "Maximum" }],
        ["AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", aws_sqs_queue.stopped["messaging-dlq"].name, { stat = "Maximum" }],
      ]
    },
    {
      title = "Event store: write units, throttling"
      metrics = [
        ["AWS/DynamoDB", "ConsumedWriteCapacityUnits", "TableName", aws_dynamodb_table.table["event-store"].name, { stat = "Sum" }],
        ["AWS/DynamoDB", "WriteThrottleEvents", "TableName", aws_dynamodb_table.table["event-store"].name, { stat = "Sum" }],
      ]
    },
    {
      title = "Services: errors"
      metrics = [
        ["AWS/Lambda", "Errors", "FunctionName", aws_lambda_function.user_service.function_name, { stat = "Sum" }],
        ["AWS/Lambda", "Errors", "FunctionName", aws_lambda_function.messaging_service.function_name, { stat = "Sum" }],
        ["AWS/ApiGateway", "5xx", "ApiId", aws_apigatewayv2_api.http_api.id, { stat = "Sum" }],
      ]
    },
  ]
}

resource "aws_cloudwatch_dashboard" "dashboard" {
  dashboard_name = "${var.name}-outbox"
  dashboard_body = jsonencode({
    widgets = [for i, w in local.widgets : {
      type   = "metric"
      x      = 12 * (i % 2)
      y      = 6 * floor(i / 2)
      width  = 12
      height = 6
      properties = {
        title   = w.title
        region  = data.aws_region.current.name
        period  = 60
        view    = "timeSeries"
        metrics = w.metrics
      }
    }]
  })
}
