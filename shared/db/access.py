"""Credentials for PostgreSQL: an IAM token for each connection, or a secret."""

from collections.abc import Callable
from pathlib import Path

from shared.db.connection import TLS_FIELDS, Database, Secret
from shared.errors import ReviewlensError
from shared.settings.base import DatabaseSettings
from shared.storage.aws_errors import translate_aws_errors
from shared.storage.clients import client
from shared.storage.secrets import read_secret

CA_FILE = Path(__file__).with_name("roots.pem")
"""Root certificates of Amazon RDS (all regions, for direct connections) and of Amazon Trust
Services (for RDS Proxy); written by scripts/release/database_roots.py."""
_SECRET_FIELDS = ("host", "port", "username", "password", "dbname")


def database_credentials(settings: DatabaseSettings) -> Callable[[], Secret]:
    """Return the function that ``Database`` calls for each new connection.

    Args:
        settings: name an endpoint (IAM) or a secret.
    """
    return _token_credentials(settings) if settings.database_host else _read_credentials(settings)


def open_database(settings: DatabaseSettings) -> Database:
    """Return the database of the settings; it connects on first use."""
    return Database(
        database_credentials(settings),
        pool_size=settings.database_pool_size,
        wait_seconds=settings.database_wait_seconds,
    )


def _token_credentials(settings: DatabaseSettings) -> Callable[[], Secret]:
    """Sign a token for each connection, without a call to AWS; it is valid for 15 minutes."""

    def token() -> Secret:
        host, port, user = settings.database_host, settings.database_port, settings.database_user
        with translate_aws_errors(f"no token for {user} at {host} can be signed"):
            password = client("rds").generate_db_auth_token(
                DBHostname=host, Port=port, DBUsername=user
            )
        return {
            "host": host,
            "port": port,
            "username": user,
            "password": password,
            "dbname": settings.database_name,
            **_tls(settings),
        }

    return token


def _read_credentials(settings: DatabaseSettings) -> Callable[[], Secret]:
    def secret() -> Secret:
        name = settings.database_secret_id
        value = read_secret(client("secretsmanager"), name)
        if missing := [field for field in _SECRET_FIELDS if field not in value]:
            raise ReviewlensError(f"the secret {name} lacks {', '.join(missing)}")
        fields = (*_SECRET_FIELDS, *TLS_FIELDS)
        return {field: value[field] for field in fields if field in value}

    return secret


def _tls(settings: DatabaseSettings) -> dict[str, str]:
    return {"sslmode": "verify-full", "sslrootcert": settings.database_ca_file or str(CA_FILE)}
