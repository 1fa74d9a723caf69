# 1 MiB is what SQS takes; a queue pinned to the 256 KiB of before refuses larger events of the bus.
resource "aws_sqs_queue" "messaging_queue" {
  name                      = "${var.name}-messaging"
  max_message_size          = var.max_message_size
  message_retention_seconds = 345600
  # Six times the timeout of the messaging function: https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
  visibility_timeout_seconds = 180
  sqs_managed_sse_enabled    = true

  redrive_policy = jsonencode({
    deadLetterTargetArn = aws_sqs_queue.messaging_dead_letters.arn
    maxReceiveCount     = 5
  })
}

resource "aws_sqs_queue" "messaging_dead_letters" {
  name                      = "${var.name}-messaging-dlq"
  max_message_size          = var.max_message_size
  message_retention_seconds = 1209600
  sqs_managed_sse_enabled   = true
}

# Events that the rule could not deliver to the queue.
resource "aws_sqs_queue" "rule_dead_letters" {
  name                      = "${var.name}-rule-dlq"
  max_message_size          = var.max_message_size
  message_retention_seconds = 1209600
  sqs_managed_sse_enabled   = true
}

# Batches that Lambda gave up on: shard and sequence numbers, not the records. The events are in the event store.
resource "aws_sqs_queue" "relay_failures" {
  name                      = "${var.name}-relay-failures"
  max_message_size          = var.max_message_size
  message_retention_seconds = 1209600
  sqs_managed_sse_enabled   = true
}

resource "aws_sqs_queue_policy" "messaging_queue" {
  queue_url = aws_sqs_queue.messaging_queue.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "TheRuleMaySend"
      Effect    = "Allow"
      Principal = { Service = "events.amazonaws.com" }
      Action    = "sqs:SendMessage"
      Resource  = aws_sqs_queue.messaging_queue.arn
      Condition = { ArnEquals = { "aws:SourceArn" = aws_cloudwatch_event_rule.user_created.arn } }
    }]
  })
}

resource "aws_sqs_queue_policy" "rule_dead_letters" {
  queue_url = aws_sqs_queue.rule_dead_letters.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "TheRuleMaySend"
      Effect    = "Allow"
      Principal = { Service = "events.amazonaws.com" }
      Action    = "sqs:SendMessage"
      Resource  = aws_sqs_queue.rule_dead_letters.arn
      Condition = { ArnEquals = { "aws:SourceArn" = aws_cloudwatch_event_rule.user_created.arn } }
    }]
  })
}
