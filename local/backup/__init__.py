"""Backups of the stack on this machine: docs/decisions/0016-backup.md."""
