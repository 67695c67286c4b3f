# What the containers may do. Attach the policy to their role: of the instance, task or service account.

data "aws_iam_policy_document" "containers" {
  statement {
    sid = "Objects"
    actions = [
      "s3:AbortMultipartUpload",
      "s3:DeleteObject",
      "s3:DeleteObjectVersion",
      "s3:GetObject",
      "s3:PutObject",
    ]
    resources = [for name in local.data_buckets : "${aws_s3_bucket.this[name].arn}/*"]
  }

  statement {
    sid       = "Buckets"
    actions   = ["s3:ListBucket", "s3:ListBucketVersions"]
    resources = [for name in local.data_buckets : aws_s3_bucket.this[name].arn]
  }

  statement {
    sid       = "Key"
    actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
    resources = [aws_kms_key.data.arn]
  }

  statement {
    sid = "Queues"
    actions = [
      "sqs:ChangeMessageVisibility",
      "sqs:DeleteMessage",
      "sqs:GetQueueAttributes",
      "sqs:ReceiveMessage",
      "sqs:SendMessage",
    ]
    resources = [for name in local.queues : aws_sqs_queue.work[name].arn]
  }

  # for the metrics of the worker
  statement {
    sid       = "DeadLetters"
    actions   = ["sqs:GetQueueAttributes"]
    resources = [for name in local.queues : aws_sqs_queue.dead_letters[name].arn]
  }
}

resource "aws_iam_policy" "containers" {
  name   = "${var.name}-containers"
  policy = data.aws_iam_policy_document.containers.json
}
