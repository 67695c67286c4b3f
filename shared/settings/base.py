"""Parts that the functions' settings classes are made of."""

from pydantic_settings import BaseSettings, SettingsConfigDict


class ServiceSettings(BaseSettings):
    """Common to all functions. Each field is read from ``REVIEWLENS_<FIELD>``."""

    model_config = SettingsConfigDict(env_prefix="REVIEWLENS_", frozen=True, extra="ignore")

    log_level: str = "INFO"
    environment: str = "local"


class DatabaseSettings(ServiceSettings):
    """For functions that use PostgreSQL; secret: host, port, username, password, dbname."""

    database_secret_id: str
    database_pool_size: int = 4


class BucketSettings(ServiceSettings):
    """The three data buckets."""

    raw_bucket: str
    clean_bucket: str
    artefact_bucket: str
