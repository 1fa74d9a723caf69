terraform {
  required_version = ">= 1.5"

  required_providers {
    aws = {
      source = "hashicorp/aws"
      # From 6.8.0 on a queue may be given the 1 MiB that SQS takes; an older provider refuses var.max_message_size
      # above 262144, and an event above that would not reach the queue.
      version = ">= 5.100.0"
    }
  }
}
