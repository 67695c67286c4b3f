"""Backups of the stack on this machine: docs/decisions/0017-backup.md."""
