"""``python -m lambdas.migrations``: migrate the database configured in the environment."""

import argparse
import sys

from lambdas.migrations.handler import handler

if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m lambdas.migrations")
    parser.add_argument("--down", metavar="REVISION", help="an earlier revision, or base")
    parser.add_argument("--lossy", action="store_true", help="allow the downgrade to lose data")
    sys.stdout.write(
        f"database is at revision {handler(vars(parser.parse_args()), None)['revision']}\n"
    )
