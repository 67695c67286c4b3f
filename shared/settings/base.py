"""Parts that the functions' settings classes are made of."""

from pydantic_settings import BaseSettings, SettingsConfigDict


class ServiceSettings(BaseSettings):
    """Common to all functions. Each field is read from ``REVIEWLENS_<FIELD>``."""

    model_config = SettingsConfigDict(env_prefix="REVIEWLENS_", frozen=True, extra="ignore")

    log_level: str = "INFO"
    """Least level of the records that are logged: DEBUG, INFO, WARNING or ERROR."""
    environment: str = "local"
    """Name of the deployment, such as ``local`` or ``prod``."""


class DatabaseSettings(ServiceSettings):
    """For functions that use PostgreSQL; secret: host, port, username, password, dbname."""

    database_secret_id: str
    """Secret in Secrets Manager that says how to connect to PostgreSQL."""
    database_pool_size: int = 4
    """Most connections that one process opens."""
