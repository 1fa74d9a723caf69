resource "aws_cloudwatch_event_bus" "event_bus" {
  name = "${var.name}-bus"
}

resource "aws_cloudwatch_event_rule" "user_created" {
  name           = "${var.name}-user-created"
  description    = "User.Created of the user service to the messaging service's queue"
  event_bus_name = aws_cloudwatch_event_bus.event_bus.name
  state          = "ENABLED"
  event_pattern  = jsonencode({ source = ["userService"], "detail-type" = ["User.Created"] })
}

resource "aws_cloudwatch_event_target" "messaging" {
  rule           = aws_cloudwatch_event_rule.user_created.name
  event_bus_name = aws_cloudwatch_event_bus.event_bus.name
  target_id      = "messaging"
  arn            = aws_sqs_queue.messaging_queue.arn

  retry_policy {
    maximum_event_age_in_seconds = 86400
    maximum_retry_attempts       = 185
  }

  # Without it, what the queue does not take in 24 hours is dropped.
  dead_letter_config {
    arn = aws_sqs_queue.stopped["rule-dlq"].arn
  }
}
