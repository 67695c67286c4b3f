"""``python -m local.services NAME``: one service in the foreground, until SIGTERM or SIGINT.

Settings come from the environment (docs/reference/settings.md). The same handlers and applications
run on Lambda and in `reviewlens up`.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from local.services.ports import APIS, AWS, AWS_HEALTH, WORKER
from local.services.probe import probe


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one service or command; returns the exit status."""
    options = _parser().parse_args(arguments)
    if options.name == "probe":
        return probe(options.url)
    return _run(options)


def _run(options: argparse.Namespace) -> int:
    from pydantic import ValidationError

    from local.errors import LocalStackError
    from shared.errors import ReviewlensError
    from shared.settings.base import describe_invalid_settings

    # each imports its libraries alone
    try:
        if options.name == "prepare":
            from local.services.prepare import prepare

            prepare(options.model)
            return 0
        if options.name == "aws":
            from local.services.aws import serve_aws

            return serve_aws(options.state, options.host, options.port, options.health_port)
        if options.name == "worker":
            from local.services.queues import serve_worker

            return serve_worker(options.host, options.port, is_alone=options.alone)
        from local.services.api import serve_api

        return serve_api(options.name, options.host, options.port)
    except (LocalStackError, ReviewlensError) as error:
        sys.stderr.write(f"{options.name}: {error.message}\n")
    except ValidationError as error:
        sys.stderr.write(f"{options.name}: {describe_invalid_settings(error)}\n")
    return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m local.services", description=__doc__)
    commands = parser.add_subparsers(dest="name", metavar="NAME", required=True)

    def server(name: str, port: int, text: str) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=text)
        command.add_argument("--host", default="127.0.0.1", help="address to listen on")
        command.add_argument("--port", type=int, default=port, help=f"default: {port}")
        return command

    for name, port in APIS.items():
        server(name, port, f"the routes of {name}")
    worker = server("worker", WORKER, "the functions behind queues; the port answers /health")
    worker.add_argument(
        "--alone",
        action="store_true",
        help="there is no other worker: queue all unfinished work again at the start",
    )
    aws = server("aws", AWS, "S3 and SQS for a stack without AWS")
    aws.add_argument("--health-port", type=int, default=AWS_HEALTH, help=f"default: {AWS_HEALTH}")
    aws.add_argument("--state", type=Path, required=True, help="folder of the objects")
    prepare = commands.add_parser("prepare", help="migrate the database, publish a model, and end")
    prepare.add_argument("--model", type=Path, help="model folder; default: publish none")
    probe_command = commands.add_parser(
        "probe", help="ask a health route; the status is the answer"
    )
    probe_command.add_argument("url", help="such as http://127.0.0.1:8005/health")
    return parser


if __name__ == "__main__":
    sys.exit(main())
