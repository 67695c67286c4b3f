"""How a function gets into PostgreSQL: by an IAM token for each connection, or by a secret."""

from collections.abc import Callable
from pathlib import Path

from shared.db.connection import Database, Secret
from shared.errors import ReviewlensError, UnavailableError
from shared.settings.base import DatabaseSettings
from shared.storage.clients import client
from shared.storage.secrets import read_secret

ROOTS = Path(__file__).with_name("roots.pem")
"""Roots of Amazon RDS (each region, for direct connections) and of Amazon Trust Services (for RDS
Proxy); scripts/release/database_roots.py makes the file."""
_FIELDS = ("host", "port", "username", "password", "dbname")


def access(settings: DatabaseSettings) -> Callable[[], Secret]:
    """What ``Database`` asks at each new connection.

    Args:
        settings: name an endpoint (IAM) or a secret.
    """
    return _by_token(settings) if settings.database_host else _by_secret(settings)


def open_database(settings: DatabaseSettings) -> Database:
    """The database of the settings; nothing is connected before it is asked for."""
    return Database(
        access(settings),
        pool_size=settings.database_pool_size,
        wait_seconds=settings.database_wait_seconds,
    )


def _by_token(settings: DatabaseSettings) -> Callable[[], Secret]:
    """A token lives for 15 minutes and is signed here, without a call to AWS."""

    def token() -> Secret:
        host, port, user = settings.database_host, settings.database_port, settings.database_user
        # imported here, for those who use a secret: it takes a while
        from botocore.exceptions import BotoCoreError

        try:
            password = client("rds").generate_db_auth_token(
                DBHostname=host, Port=port, DBUsername=user
            )
        except BotoCoreError as error:
            raise UnavailableError(f"no token for {user} at {host} can be signed") from error
        return {
            "host": host,
            "port": port,
            "username": user,
            "password": password,
            "dbname": settings.database_name,
            **_proof(settings),
        }

    return token


def _by_secret(settings: DatabaseSettings) -> Callable[[], Secret]:
    def secret() -> Secret:
        name = settings.database_secret_id
        found = read_secret(client("secretsmanager"), name)
        if missing := [field for field in _FIELDS if field not in found]:
            raise ReviewlensError(f"the secret {name} lacks {', '.join(missing)}")
        proof = _proof(settings) if settings.database_tls == "verify-full" else {}
        return {**{field: found[field] for field in _FIELDS}, **proof}

    return secret


def _proof(settings: DatabaseSettings) -> dict[str, str]:
    return {"sslmode": "verify-full", "sslrootcert": settings.database_ca_file or str(ROOTS)}
