resource "aws_cloudwatch_log_group" "user_service" {
  name              = "/aws/lambda/${var.name}-user-service"
  retention_in_days = var.log_retention_days
}

resource "aws_iam_role" "user_service" {
  name               = "${var.name}-user-service"
  assume_role_policy = local.lambda_may_assume
}

resource "aws_iam_role_policy" "user_service" {
  name = "user-service"
  role = aws_iam_role.user_service.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      # A transaction needs the permissions of the operations in it.
      {
        Sid      = "KeepUsers"
        Effect   = "Allow"
        Action   = ["dynamodb:GetItem", "dynamodb:PutItem"]
        Resource = aws_dynamodb_table.table["users"].arn
      },
      # Events are only ever added.
      {
        Sid      = "AddEvents"
        Effect   = "Allow"
        Action   = "dynamodb:PutItem"
        Resource = aws_dynamodb_table.table["event-store"].arn
      },
      {
        Sid      = "WriteLogs"
        Effect   = "Allow"
        Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
        Resource = "${aws_cloudwatch_log_group.user_service.arn}:*"
      },
    ]
  })
}

resource "aws_lambda_function" "user_service" {
  function_name    = "${var.name}-user-service"
  filename         = "${local.packages}/userservice.zip"
  source_code_hash = fileexists("${local.packages}/userservice.zip") ? filebase64sha256("${local.packages}/userservice.zip") : null
  runtime          = "provided.al2023"
  handler          = "bootstrap"
  architectures    = ["arm64"]
  memory_size      = 256
  timeout          = 10
  role             = aws_iam_role.user_service.arn

  logging_config {
    log_format = "Text"
    log_group  = aws_cloudwatch_log_group.user_service.name
  }

  environment {
    variables = {
      SERVICE_NAME      = "userService"
      USERS_TABLE       = aws_dynamodb_table.table["users"].name
      EVENT_STORE_TABLE = aws_dynamodb_table.table["event-store"].name
    }
  }
}

resource "aws_apigatewayv2_api" "http_api" {
  name          = "${var.name}-api"
  protocol_type = "HTTP"
}

resource "aws_apigatewayv2_integration" "http_api_integration" {
  api_id                 = aws_apigatewayv2_api.http_api.id
  integration_type       = "AWS_PROXY"
  integration_uri        = aws_lambda_function.user_service.arn
  payload_format_version = "2.0"
  timeout_milliseconds   = 11000
}

# ANY: the service itself answers a wrong method, as it does locally. Sign-up is open to everybody; put an authorizer
# of yours before the route of one user.
resource "aws_apigatewayv2_route" "users" {
  api_id    = aws_apigatewayv2_api.http_api.id
  route_key = "ANY /users"
  target    = "integrations/${aws_apigatewayv2_integration.http_api_integration.id}"
}

resource "aws_apigatewayv2_route" "user" {
  api_id    = aws_apigatewayv2_api.http_api.id
  route_key = "ANY /users/{id}"
  target    = "integrations/${aws_apigatewayv2_integration.http_api_integration.id}"
}

resource "aws_cloudwatch_log_group" "http_api" {
  name              = "/aws/apigateway/${var.name}-api"
  retention_in_days = var.log_retention_days
}

resource "aws_apigatewayv2_stage" "http_api" {
  api_id      = aws_apigatewayv2_api.http_api.id
  name        = "$default"
  auto_deploy = true

  default_route_settings {
    throttling_burst_limit = 100
    throttling_rate_limit  = 200
  }

  access_log_settings {
    destination_arn = aws_cloudwatch_log_group.http_api.arn
    format = jsonencode({
      requestId = "$context.requestId"
      routeKey  = "$context.routeKey"
      status    = "$context.status"
      latency   = "$context.responseLatency"
    })
  }
}

resource "aws_lambda_permission" "http_api" {
  function_name = aws_lambda_function.user_service.function_name
  action        = "lambda:InvokeFunction"
  principal     = "apigateway.amazonaws.com"
  source_arn    = "${aws_apigatewayv2_api.http_api.execution_arn}/*/*"
}
