"""Base classes of the functions' settings."""

from typing import Self

from pydantic import Field, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

APP_USER = "reviewlens_app"
"""Database user of the functions on AWS; created by the migrations."""


_PREFIX = "REVIEWLENS_"


def describe_invalid_settings(error: ValidationError) -> str:
    """Name the variables that are missing or invalid, and the command that sets them."""
    missing, invalid = [], []
    for each in error.errors():
        name = _PREFIX + "_".join(str(part) for part in each["loc"]).upper()
        message = each["msg"].removeprefix("Value error, ")
        if each["type"] == "missing":
            missing.append(name)
        else:
            invalid.append(f"{name}: {message}" if each["loc"] else message)
    parts = [*([f"not set: {', '.join(missing)}"] if missing else []), *invalid]
    hint = "For the stack on this machine, `reviewlens env` prints all variables."
    return f"{'; '.join(parts)}. {hint}"


class ServiceSettings(BaseSettings):
    """Settings of all functions. Each field is read from ``REVIEWLENS_<FIELD>``."""

    model_config = SettingsConfigDict(env_prefix=_PREFIX, frozen=True, extra="ignore")

    log_level: str = "INFO"
    """Lowest level of log records to keep: DEBUG, INFO, WARNING or ERROR."""
    environment: str = "local"
    """Name of the deployment, such as ``local`` or ``prod``."""
    cors_origins: str = ""
    """Origins of pages whose scripts may read answers of the API, separated by commas; for a
    function behind it."""


class DatabaseSettings(ServiceSettings):
    """Settings of functions that use PostgreSQL, with IAM (``database_host``) or with a secret.

    With IAM, each new connection uses a fresh token as its password and verifies the server's
    certificate and name. A secret has host, port, username, password and dbname; it may have
    sslmode and sslrootcert.
    """

    database_secret_id: str = ""
    """Secret in Secrets Manager with the credentials, or ``file:`` and the path of a JSON file: for
    stacks outside of AWS."""
    database_host: str = ""
    """Endpoint of RDS Proxy, or of the database itself, to connect to with IAM."""
    database_port: int = Field(5432, ge=1, le=65535)
    """Port of that endpoint."""
    database_name: str = "reviewlens"
    """Database at that endpoint."""
    database_user: str = APP_USER
    """User to connect as with IAM."""
    database_ca_file: str = ""
    """CA certificates that verify the server; empty: the bundled ones of RDS and RDS Proxy."""
    database_pool_size: int = 4
    """Maximum number of connections that one process opens."""
    database_wait_seconds: float = Field(3.5, gt=0, le=120)
    """How long to wait for a connection: a paused Aurora cluster takes about 15 s to resume."""

    @model_validator(mode="after")
    def _check_exactly_one(self) -> Self:
        if bool(self.database_host) == bool(self.database_secret_id):
            state = "both are" if self.database_host else "neither is"
            raise ValueError(
                "set either REVIEWLENS_DATABASE_HOST, to connect with IAM, or"
                f" REVIEWLENS_DATABASE_SECRET_ID, to connect with a secret: {state} set"
            )
        return self
