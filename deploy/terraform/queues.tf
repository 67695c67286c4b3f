# Four queues, each with one for messages that failed too often; S3 announces uploads to collection.

locals {
  queues = toset(["collection", "processing", "index", "pictures"])
}

resource "aws_sqs_queue" "dead_letters" {
  for_each                  = local.queues
  name                      = "${var.name}-${each.key}-dlq"
  message_retention_seconds = 1209600
  sqs_managed_sse_enabled   = true
}

resource "aws_sqs_queue" "work" {
  for_each                   = local.queues
  name                       = "${var.name}-${each.key}"
  message_retention_seconds  = 1209600
  receive_wait_time_seconds  = 20
  visibility_timeout_seconds = 5400
  sqs_managed_sse_enabled    = true

  redrive_policy = jsonencode({
    deadLetterTargetArn = aws_sqs_queue.dead_letters[each.key].arn
    maxReceiveCount     = 10
  })
}

data "aws_iam_policy_document" "queue" {
  for_each = local.queues

  statement {
    sid       = "OnlyTls"
    effect    = "Deny"
    actions   = ["sqs:*"]
    resources = [aws_sqs_queue.work[each.key].arn]

    principals {
      type        = "*"
      identifiers = ["*"]
    }

    condition {
      test     = "Bool"
      variable = "aws:SecureTransport"
      values   = ["false"]
    }
  }

  dynamic "statement" {
    for_each = each.key == "collection" ? ["uploads"] : []

    content {
      sid       = "Uploads"
      actions   = ["sqs:SendMessage"]
      resources = [aws_sqs_queue.work[each.key].arn]

      principals {
        type        = "Service"
        identifiers = ["s3.amazonaws.com"]
      }

      condition {
        test     = "StringEquals"
        variable = "aws:SourceAccount"
        values   = [data.aws_caller_identity.current.account_id]
      }

      condition {
        test     = "ArnEquals"
        variable = "aws:SourceArn"
        values   = [aws_s3_bucket.this["raw"].arn]
      }
    }
  }
}

resource "aws_sqs_queue_policy" "work" {
  for_each  = local.queues
  queue_url = aws_sqs_queue.work[each.key].id
  policy    = data.aws_iam_policy_document.queue[each.key].json
}

resource "aws_s3_bucket_notification" "uploads" {
  bucket = aws_s3_bucket.this["raw"].id

  queue {
    queue_arn     = aws_sqs_queue.work["collection"].arn
    events        = ["s3:ObjectCreated:*"]
    filter_prefix = "uploads/"
  }

  depends_on = [aws_sqs_queue_policy.work]
}

resource "aws_cloudwatch_metric_alarm" "dead_letters" {
  for_each            = local.queues
  alarm_name          = "${var.name}-${each.key}-dead-letters"
  alarm_description   = "A message failed too often: read the worker's log, fix the cause, redrive the queue."
  namespace           = "AWS/SQS"
  metric_name         = "ApproximateNumberOfMessagesVisible"
  statistic           = "Maximum"
  period              = 300
  evaluation_periods  = 1
  threshold           = 1
  comparison_operator = "GreaterThanOrEqualToThreshold"
  treat_missing_data  = "notBreaching"

  dimensions = {
    QueueName = aws_sqs_queue.dead_letters[each.key].name
  }
}
