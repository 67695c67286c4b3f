"""Settings of the page."""

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class PageSettings(BaseSettings):
    """The API behind the page, and limits for visitors."""

    model_config = SettingsConfigDict(env_prefix="REVIEWLENS_", frozen=True, extra="ignore")

    api_url: str | None = Field(default=None, pattern=r"^https?://[^\s/?#@]+(/[^\s?#]*)?$")
    """Base URL of the API; without one the page starts a stack of its own."""
    api_key: str | None = Field(default=None, repr=False)
    """Key of the API's usage plan, sent as x-api-key."""
    api_region: str | None = Field(default=None, pattern=r"^[a-z0-9-]{1,32}$")
    """AWS region of the API, to sign uploads; read from the URL where it contains the region."""
    state: Path | None = None
    """Folder of the page's own stack; a temporary one by default."""
    page_max_upload_bytes: int = Field(default=200 * 2**20, ge=1, le=5 * 10**9)
    """Largest file that a visitor may upload."""
    page_concurrency: int = Field(default=4, ge=1, le=64)
    """Requests of visitors that run at the same time; others wait in a queue."""
    page_queue: int = Field(default=64, ge=1, le=10_000)
    """Requests that may wait; further ones are refused."""
