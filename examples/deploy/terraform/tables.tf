# Every table of the deployment: its sort key, "" for none, and whether it has a stream.
locals {
  tables = {
    users = { sk = "", stream = false }
    # The outbox. A stream of NEW_IMAGE is what the relay reads; it keeps records for 24 hours.
    event-store = { sk = "N", stream = true }
    # What the relay can never publish.
    dead-letters = { sk = "S", stream = false }
    # Which events the bus has accepted, when, and under which id: for an audit, and for publishing again what is missing.
    journal = { sk = "S", stream = false }
    # The messaging service's receipts and records of what was sent.
    messaging = { sk = "S", stream = false }
  }
}

resource "aws_dynamodb_table" "table" {
  for_each = local.tables

  name                        = "${var.name}-${each.key}"
  billing_mode                = "PAY_PER_REQUEST"
  hash_key                    = "pk"
  range_key                   = each.value.sk == "" ? null : "sk"
  deletion_protection_enabled = var.deletion_protection
  stream_enabled              = each.value.stream
  stream_view_type            = each.value.stream ? "NEW_IMAGE" : null

  attribute {
    name = "pk"
    type = "S"
  }

  dynamic "attribute" {
    for_each = each.value.sk == "" ? [] : [each.value.sk]

    content {
      name = "sk"
      type = attribute.value
    }
  }

  # Of the users, only the claims of idempotency keys have a ttl. Events have one if the writer is given it; without, they
  # are kept for ever and can be published again.
  ttl {
    attribute_name = "ttl"
    enabled        = true
  }

  point_in_time_recovery {
    enabled = true
  }

  server_side_encryption {
    enabled = true
  }
}
