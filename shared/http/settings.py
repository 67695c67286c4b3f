"""Settings of servers on one machine."""

from pydantic import field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.http.door import Door
from shared.http.hosts import AllowedHosts


class DoorSettings(BaseSettings):
    """Which requests the gateway, the local AWS and the page answer."""

    model_config = SettingsConfigDict(env_prefix="REVIEWLENS_", frozen=True, extra="ignore")

    allowed_hosts: str = ""
    """Hosts to answer for, separated by commas: ``name``, ``name:port`` or ``*.name``. Those
    of this machine are always allowed, with the port that is served."""

    @field_validator("allowed_hosts")
    @classmethod
    def _check_hosts(cls, text: str) -> str:
        AllowedHosts.parse(text)
        return text

    def door(self) -> Door:
        """The door with these hosts."""
        return Door(AllowedHosts.parse(self.allowed_hosts))
