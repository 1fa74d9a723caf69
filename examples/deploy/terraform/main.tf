# A transactional outbox: a user service that writes users and events in one transaction, a relay from the event store's
# stream to an event bus, and a messaging service behind a queue.
#
# Build the three functions first, then apply:
#   go -C examples run ./deploy/bundle
#   terraform -chdir=examples/deploy/terraform init
#   terraform -chdir=examples/deploy/terraform apply -var mail_from=hello@example.com -var mail_identity=example.com
#
# The sam folder beside this one describes the same resources under the same names; a test compares them.

data "aws_region" "current" {}

data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

locals {
  region    = data.aws_region.current.name
  account   = data.aws_caller_identity.current.account_id
  partition = data.aws_partition.current.partition

  packages          = "${path.module}/../dist"
  metrics_namespace = "${var.name}/Relay"
  alarm_actions     = var.alarm_topic_arn == "" ? [] : [var.alarm_topic_arn]

  lambda_may_assume = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "lambda.amazonaws.com" }
      Action    = "sts:AssumeRole"
    }]
  })

  # The filter of the relay's mapping that goes with each layout of events (envelope.Layout). The mapping uses
  # "dedicated". Do not filter on anything inside the event: a record that fails the filter is gone for good, and an
  # event that is written wrongly belongs in the dead letters.
  relay_filters = {
    # A table that holds nothing but events: the zero Layout and AggregateLayout.
    dedicated = jsonencode({ eventName = ["INSERT"] })
    # A table that holds other items too, with Layout.Marker = "outbox". Put the name of your marker in its place.
    shared = jsonencode({ eventName = ["INSERT"], dynamodb = { NewImage = { outbox = { S = [{ exists = true }] } } } })
  }
}
