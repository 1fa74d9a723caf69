resource "aws_cloudwatch_log_group" "relay" {
  name              = "/aws/lambda/${var.name}-relay"
  retention_in_days = var.log_retention_days
}

resource "aws_iam_role" "relay" {
  name               = "${var.name}-relay"
  assume_role_policy = local.lambda_may_assume
}

resource "aws_iam_role_policy" "relay" {
  name = "relay"
  role = aws_iam_role.relay.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid      = "ReadTheStream"
        Effect   = "Allow"
        Action   = ["dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator"]
        Resource = aws_dynamodb_table.table["event-store"].stream_arn
      },
      # Streams of a table are named by their creation time, so the list is of all of this table's.
      {
        Sid      = "ListTheStreams"
        Effect   = "Allow"
        Action   = "dynamodb:ListStreams"
        Resource = "${aws_dynamodb_table.table["event-store"].arn}/stream/*"
      },
      {
        Sid      = "Publish"
        Effect   = "Allow"
        Action   = ["events:PutEvents", "events:DescribeEventBus"]
        Resource = aws_cloudwatch_event_bus.event_bus.arn
      },
      {
        Sid      = "KeepDeadLetters"
        Effect   = "Allow"
        Action   = "dynamodb:PutItem"
        Resource = aws_dynamodb_table.table["dead-letters"].arn
      },
      {
        Sid      = "KeepTheJournal"
        Effect   = "Allow"
        Action   = "dynamodb:PutItem"
        Resource = aws_dynamodb_table.table["journal"].arn
      },
      {
        Sid      = "ReportFailures"
        Effect   = "Allow"
        Action   = "sqs:SendMessage"
        Resource = aws_sqs_queue.stopped["relay-failures"].arn
      },
      {
        Sid      = "WriteLogs"
        Effect   = "Allow"
        Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
        Resource = "${aws_cloudwatch_log_group.relay.arn}:*"
      },
    ]
  })
}

resource "aws_lambda_function" "relay" {
  function_name    = "${var.name}-relay"
  filename         = "${local.packages}/relay.zip"
  source_code_hash = fileexists("${local.packages}/relay.zip") ? filebase64sha256("${local.packages}/relay.zip") : null
  runtime          = "provided.al2023"
  handler          = "bootstrap"
  architectures    = ["arm64"]
  memory_size      = 512
  timeout          = 60
  role             = aws_iam_role.relay.arn

  # The text format leaves the lines of the embedded metric format as they are.
  logging_config {
    log_format = "Text"
    log_group  = aws_cloudwatch_log_group.relay.name
  }

  environment {
    variables = {
      EVENT_BUS_NAME    = aws_cloudwatch_event_bus.event_bus.name
      DEAD_LETTER_TABLE = aws_dynamodb_table.table["dead-letters"].name
      JOURNAL_TABLE     = aws_dynamodb_table.table["journal"].name
      METRICS_NAMESPACE = local.metrics_namespace
    }
  }
}

resource "aws_lambda_event_source_mapping" "relay" {
  function_name    = aws_lambda_function.relay.function_name
  event_source_arn = aws_dynamodb_table.table["event-store"].stream_arn
  # LATEST would miss what is written while the mapping comes up.
  starting_position                  = "TRIM_HORIZON"
  batch_size                         = 100
  maximum_batching_window_in_seconds = 1
  # The relay answers with the sequence number to go on from. Without this, Lambda ignores the answer and every record
  # that failed is lost.
  function_response_types        = ["ReportBatchItemFailures"]
  bisect_batch_on_function_error = true
  # Try until the record is 21 hours old; that leaves 3 hours in which the stream still has it.
  maximum_retry_attempts        = -1
  maximum_record_age_in_seconds = 75600

  destination_config {
    on_failure {
      destination_arn = aws_sqs_queue.stopped["relay-failures"].arn
    }
  }

  filter_criteria {
    filter {
      pattern = local.relay_filters.dedicated
    }
  }

  # For the alarms on what this mapping drops and fails at.
  metrics_config {
    metrics = ["EventCount"]
  }

  # Lambda refuses a mapping whose role cannot read the stream yet.
  depends_on = [aws_iam_role_policy.relay]
}
