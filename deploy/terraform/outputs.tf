output "parameters" {
  description = "Parameters of docker-compose.prod.yml; the other platforms take the same."
  value = {
    AWS_REGION           = data.aws_region.current.region
    RAW_BUCKET           = aws_s3_bucket.this["raw"].id
    CLEAN_BUCKET         = aws_s3_bucket.this["clean"].id
    ARTEFACT_BUCKET      = aws_s3_bucket.this["artefacts"].id
    COLLECTION_QUEUE_URL = aws_sqs_queue.work["collection"].url
    PROCESSING_QUEUE_URL = aws_sqs_queue.work["processing"].url
    INDEX_QUEUE_URL      = aws_sqs_queue.work["index"].url
    PICTURES_QUEUE_URL   = aws_sqs_queue.work["pictures"].url
  }
}

output "key_arn" {
  description = "Key that encrypts the buckets and the database."
  value       = aws_kms_key.data.arn
}

output "policy_arn" {
  description = "Policy for the role of the containers."
  value       = aws_iam_policy.containers.arn
}

output "database" {
  description = "Host of the database, and the secret with its user and password; null without one."
  value = var.database == null ? null : {
    host       = aws_db_instance.this[0].address
    port       = aws_db_instance.this[0].port
    dbname     = aws_db_instance.this[0].db_name
    secret_arn = aws_db_instance.this[0].master_user_secret[0].secret_arn
  }
}
