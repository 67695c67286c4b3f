"""Parts that the functions' settings classes are made of."""

from typing import Literal, Self

from pydantic import Field, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

APP_USER = "reviewlens_app"
"""The database user that the functions connect as on AWS; migrations make it."""


class ServiceSettings(BaseSettings):
    """Common to all functions. Each field is read from ``REVIEWLENS_<FIELD>``."""

    model_config = SettingsConfigDict(env_prefix="REVIEWLENS_", frozen=True, extra="ignore")

    log_level: str = "INFO"
    """Least level of the records that are logged: DEBUG, INFO, WARNING or ERROR."""
    environment: str = "local"
    """Name of the deployment, such as ``local`` or ``prod``."""


class DatabaseSettings(ServiceSettings):
    """For functions that use PostgreSQL: by IAM (``database_host``) or by a secret, one of them.

    By IAM, each new connection has a fresh token for its password, and the server must prove its
    name. By a secret, the secret has host, port, username, password and dbname.
    """

    database_secret_id: str = ""
    """Secret in Secrets Manager that says how to connect: on one machine, and for migrations."""
    database_host: str = ""
    """Endpoint of RDS Proxy, or of the database itself, to connect to by IAM."""
    database_port: int = Field(5432, ge=1, le=65535)
    """Port of that endpoint."""
    database_name: str = "reviewlens"
    """Database at that endpoint."""
    database_user: str = APP_USER
    """User to connect as by IAM."""
    database_tls: Literal["prefer", "verify-full"] = "prefer"
    """Whether the server must prove its name where a secret is used; by IAM it always must."""
    database_ca_file: str = ""
    """Certificates that it is proved by; empty: those of RDS and RDS Proxy, which come along."""
    database_pool_size: int = 4
    """Most connections that one process opens."""
    database_wait_seconds: float = Field(5.0, gt=0, le=120)
    """How long one waits for a connection: a paused Aurora cluster takes some 15 s to wake."""

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if bool(self.database_host) == bool(self.database_secret_id):
            given = "both are" if self.database_host else "none is"
            raise ValueError(
                "set either REVIEWLENS_DATABASE_HOST, to connect by IAM, or"
                f" REVIEWLENS_DATABASE_SECRET_ID, to connect by a secret: {given} set"
            )
        return self
