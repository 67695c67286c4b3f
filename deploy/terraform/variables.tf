variable "name" {
  description = "Prefix of all names, such as reviews-prod."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,30}[a-z0-9]$", var.name))
    error_message = "name must have 3 to 32 lower-case letters, digits and hyphens."
  }
}

variable "keep_data" {
  description = "Whether buckets with objects and the database survive a destroy."
  type        = bool
  default     = true
}

variable "old_version_days" {
  description = "Days for which overwritten and deleted objects can be restored."
  type        = number
  default     = 30
}

variable "access_log_days" {
  description = "Days for which access logs of the buckets are kept."
  type        = number
  default     = 90
}

variable "database" {
  description = "The database; null if there is one already. Subnets must be in two zones, and clients are groups of the containers."
  type = object({
    vpc_id                 = string
    subnet_ids             = list(string)
    client_security_groups = list(string)
    instance_class         = optional(string, "db.t4g.medium")
    storage_gib            = optional(number, 50)
    multi_az               = optional(bool, false)
    backup_days            = optional(number, 7)
  })
  default = null
}
