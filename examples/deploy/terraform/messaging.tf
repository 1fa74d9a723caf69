resource "aws_cloudwatch_log_group" "messaging" {
  name              = "/aws/lambda/${var.name}-messaging"
  retention_in_days = var.log_retention_days
}

resource "aws_iam_role" "messaging" {
  name               = "${var.name}-messaging"
  assume_role_policy = local.lambda_may_assume
}

resource "aws_iam_role_policy" "messaging" {
  name = "messaging"
  role = aws_iam_role.messaging.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid      = "ReadTheQueue"
        Effect   = "Allow"
        Action   = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"]
        Resource = aws_sqs_queue.messaging_queue.arn
      },
      {
        Sid      = "KeepReceipts"
        Effect   = "Allow"
        Action   = "dynamodb:PutItem"
        Resource = aws_dynamodb_table.table["messaging"].arn
      },
      {
        Sid      = "AddEvents"
        Effect   = "Allow"
        Action   = "dynamodb:PutItem"
        Resource = aws_dynamodb_table.table["event-store"].arn
      },
      {
        Sid       = "SendMail"
        Effect    = "Allow"
        Action    = "ses:SendEmail"
        Resource  = "arn:${local.partition}:ses:${local.region}:${local.account}:identity/${var.mail_identity}"
        Condition = { StringEquals = { "ses:FromAddress" = var.mail_from } }
      },
      {
        Sid      = "WriteLogs"
        Effect   = "Allow"
        Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
        Resource = "${aws_cloudwatch_log_group.messaging.arn}:*"
      },
    ]
  })
}

resource "aws_lambda_function" "messaging_service" {
  function_name    = "${var.name}-messaging"
  filename         = "${local.packages}/messaging.zip"
  source_code_hash = fileexists("${local.packages}/messaging.zip") ? filebase64sha256("${local.packages}/messaging.zip") : null
  runtime          = "provided.al2023"
  handler          = "bootstrap"
  architectures    = ["arm64"]
  memory_size      = 256
  timeout          = 30
  role             = aws_iam_role.messaging.arn

  logging_config {
    log_format = "Text"
    log_group  = aws_cloudwatch_log_group.messaging.name
  }

  environment {
    variables = {
      SERVICE_NAME      = "messagingService"
      MESSAGING_TABLE   = aws_dynamodb_table.table["messaging"].name
      EVENT_STORE_TABLE = aws_dynamodb_table.table["event-store"].name
      MAILER            = "ses"
      MAIL_FROM         = var.mail_from
    }
  }
}

resource "aws_lambda_event_source_mapping" "messaging" {
  function_name                      = aws_lambda_function.messaging_service.function_name
  event_source_arn                   = aws_sqs_queue.messaging_queue.arn
  batch_size                         = 10
  maximum_batching_window_in_seconds = 0
  function_response_types            = ["ReportBatchItemFailures"]

  # As many senders at once as the mail quota bears.
  scaling_config {
    maximum_concurrency = 10
  }

  depends_on = [aws_iam_role_policy.messaging]
}
