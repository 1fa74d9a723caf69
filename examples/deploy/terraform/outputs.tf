output "api_url" {
  description = "Where the user service answers"
  value       = aws_apigatewayv2_api.http_api.api_endpoint
}

output "event_store_table" {
  description = "The outbox"
  value       = aws_dynamodb_table.table["event-store"].name
}

output "event_bus_name" {
  description = "What other services put their rules on"
  value       = aws_cloudwatch_event_bus.event_bus.name
}

output "doctor" {
  description = "Checks this deployment"
  value       = "go run github.com/dynamodb-outbox/dynamodb-outbox/cmd/outbox@latest doctor --name ${var.name}"
}
