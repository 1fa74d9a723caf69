variable "name" {
  description = "What the names of all resources begin with."
  type        = string
  default     = "outbox"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,30}$", var.name))
    error_message = "The name needs lower-case letters, digits and hyphens, at most 31 of them."
  }
}

variable "mail_from" {
  description = "The address that the welcome e-mail comes from, such as hello@example.com."
  type        = string

  validation {
    condition     = can(regex("^[^@[:space:]]+@[^@[:space:]]+$", var.mail_from))
    error_message = "An e-mail address is needed."
  }
}

variable "mail_identity" {
  description = "The SES identity that may send from mail_from, its domain or the address itself."
  type        = string
}

variable "alarm_topic_arn" {
  description = "The SNS topic that alarms notify. Empty means that alarms only change colour."
  type        = string
  default     = ""
}

variable "alarm_on_skipped_items" {
  description = "Whether an alarm reports new items that the relay skips because they have no marker. Set it to false for a table that holds other items too, if the mapping's filter lets them through."
  type        = bool
  default     = true
}

variable "alarm_on_skipped_region" {
  description = "Whether an alarm reports events that the relay skips because of its OUTBOX_REGION. That is normal for a global table with writers in other regions; set it to true where only the relay's own region writes."
  type        = bool
  default     = false
}

variable "log_retention_days" {
  description = "How long logs are kept. They hold event ids and codes, never payloads."
  type        = number
  default     = 30
}

variable "deletion_protection" {
  description = "Whether the tables refuse to be deleted. Switch it off and apply before you destroy."
  type        = bool
  default     = true
}

variable "max_message_size" {
  description = "The largest message of the queues in bytes. 1 MiB is what SQS takes; the provider before 6.8.0 refuses more than 262144."
  type        = number
  default     = 1048576
}
