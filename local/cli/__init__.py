"""The command line ``reviewlens``."""

from local.cli.main import main

__all__ = ["main"]
