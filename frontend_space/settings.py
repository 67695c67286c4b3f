"""Settings of the page."""

from pathlib import Path

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from shared.http.login import MIN_TOKEN_CHARACTERS
from shared.http.settings import DoorSettings

_SECRETS = Path("/run/secrets")
_ORIGINS = r"^(https?://[a-z0-9.*-]+(:[0-9]+)?( https?://[a-z0-9.*-]+(:[0-9]+)?)*)?$"


class PageSettings(DoorSettings):
    """The API behind the page, who may use it, and limits for visitors.

    A container may mount a setting as the file ``/run/secrets/reviewlens_api_key``, for example.
    """

    model_config = SettingsConfigDict(secrets_dir=_SECRETS if _SECRETS.is_dir() else None)

    api_url: str | None = Field(default=None, pattern=r"^https?://[^\s/?#@]+(/[^\s?#]*)?$")
    """Base URL of the API; without one the page starts a stack of its own."""
    api_key: str | None = Field(default=None, repr=False)
    """Key of the API's usage plan, sent as x-api-key."""
    api_region: str | None = Field(default=None, pattern=r"^[a-z0-9-]{1,32}$")
    """AWS region of the API, to sign uploads; read from the URL where it contains the region."""
    state: Path | None = None
    """Folder of the page's own stack; a temporary one by default."""
    page_login: bool = False
    """Whether visitors need the link with a token that the terminal prints."""
    page_token: str | None = Field(default=None, min_length=MIN_TOKEN_CHARACTERS, repr=False)
    """Token of the login, in place of a new one for each start."""
    page_public: bool = False
    """Whether other machines may use the page without a login."""
    page_framed_by: str = Field(default="", pattern=_ORIGINS)
    """Origins whose pages may show the page in a frame, separated by spaces."""
    page_max_upload_bytes: int = Field(default=200 * 2**20, ge=1, le=5 * 10**9)
    """Largest file that a visitor may upload."""
    page_concurrency: int = Field(default=4, ge=1, le=64)
    """Requests of visitors that run at the same time; others wait in a queue."""
    page_queue: int = Field(default=64, ge=1, le=10_000)
    """Requests that may wait; further ones are refused."""
