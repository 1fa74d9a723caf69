# 1 MiB is what SQS takes; a queue pinned to the 256 KiB of before refuses larger events of the bus.
resource "aws_sqs_queue" "messaging_queue" {
  name                      = "${var.name}-messaging"
  max_message_size          = var.max_message_size
  message_retention_seconds = 345600
  # Six times the timeout of the messaging function: https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
  visibility_timeout_seconds = 180
  sqs_managed_sse_enabled    = true

  redrive_policy = jsonencode({
    deadLetterTargetArn = aws_sqs_queue.stopped["messaging-dlq"].arn
    maxReceiveCount     = 5
  })
}

# Where things stop: messages that were received too often; events that the rule could not deliver to the queue; batches
# that Lambda gave up on, by shard and sequence numbers, not the records, for the events are in the event store.
resource "aws_sqs_queue" "stopped" {
  for_each = toset(["messaging-dlq", "rule-dlq", "relay-failures"])

  name                      = "${var.name}-${each.key}"
  max_message_size          = var.max_message_size
  message_retention_seconds = 1209600
  sqs_managed_sse_enabled   = true
}

resource "aws_sqs_queue_policy" "rule" {
  for_each = { queue = aws_sqs_queue.messaging_queue, dlq = aws_sqs_queue.stopped["rule-dlq"] }

  queue_url = each.value.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "TheRuleMaySend"
      Effect    = "Allow"
      Principal = { Service = "events.amazonaws.com" }
      Action    = "sqs:SendMessage"
      Resource  = each.value.arn
      Condition = { ArnEquals = { "aws:SourceArn" = aws_cloudwatch_event_rule.user_created.arn } }
    }]
  })
}
