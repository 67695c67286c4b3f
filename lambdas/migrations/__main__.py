"""``python -m lambdas.migrations``: migrate the database that the environment names."""

import sys

from lambdas.migrations.handler import run
from lambdas.migrations.settings import MigrationSettings

if __name__ == "__main__":
    sys.stdout.write(f"database is at revision {run(MigrationSettings())}\n")
