# PostgreSQL in private subnets; its password is generated and rotated in Secrets Manager.

resource "aws_db_subnet_group" "this" {
  count      = var.database == null ? 0 : 1
  name       = var.name
  subnet_ids = var.database.subnet_ids
}

resource "aws_security_group" "database" {
  count       = var.database == null ? 0 : 1
  name        = "${var.name}-database"
  description = "PostgreSQL"
  vpc_id      = var.database.vpc_id
}

resource "aws_vpc_security_group_ingress_rule" "database" {
  for_each                     = toset(try(var.database.client_security_groups, []))
  security_group_id            = aws_security_group.database[0].id
  referenced_security_group_id = each.value
  description                  = "containers"
  ip_protocol                  = "tcp"
  from_port                    = 5432
  to_port                      = 5432
}

resource "aws_db_parameter_group" "this" {
  count  = var.database == null ? 0 : 1
  name   = var.name
  family = "postgres17"

  parameter {
    name  = "rds.force_ssl"
    value = "1"
  }
}

resource "aws_db_instance" "this" {
  count                           = var.database == null ? 0 : 1
  identifier                      = var.name
  engine                          = "postgres"
  engine_version                  = "17"
  instance_class                  = var.database.instance_class
  allocated_storage               = var.database.storage_gib
  max_allocated_storage           = 4 * var.database.storage_gib
  storage_type                    = "gp3"
  storage_encrypted               = true
  kms_key_id                      = aws_kms_key.data.arn
  db_name                         = "reviewlens"
  username                        = "reviewlens"
  manage_master_user_password     = true
  master_user_secret_kms_key_id   = aws_kms_key.data.key_id
  multi_az                        = var.database.multi_az
  publicly_accessible             = false
  db_subnet_group_name            = aws_db_subnet_group.this[0].name
  vpc_security_group_ids          = [aws_security_group.database[0].id]
  parameter_group_name            = aws_db_parameter_group.this[0].name
  backup_retention_period         = var.database.backup_days
  copy_tags_to_snapshot           = true
  deletion_protection             = var.keep_data
  skip_final_snapshot             = !var.keep_data
  final_snapshot_identifier       = "${var.name}-final"
  auto_minor_version_upgrade      = true
  performance_insights_enabled    = true
  performance_insights_kms_key_id = aws_kms_key.data.arn
  enabled_cloudwatch_logs_exports = ["postgresql", "upgrade"]
}
