"""``python -m lambdas.migrations``: migrate the database configured in the environment."""

import sys

from lambdas.migrations.handler import handler

if __name__ == "__main__":
    sys.stdout.write(f"database is at revision {handler({}, None)['revision']}\n")
