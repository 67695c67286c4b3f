"""``python -m lambdas.migrations``: migrate the database that the environment names."""

import sys

from lambdas.migrations.handler import handler

if __name__ == "__main__":
    sys.stdout.write(f"database is at revision {handler({}, None)['revision']}\n")
