"""Settings of servers on one machine."""

from pydantic import field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.http.door import Door
from shared.http.hosts import AllowedHosts
from shared.schemas.cors import check_origins, parse_origins


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


class ApiDoorSettings(DoorSettings):
    """The same for servers of the API."""

    cors_origins: str = ""
    """Origins of pages whose scripts may read answers of the API, separated by commas, such as
    ``https://shop.example.org``; empty: none. They may send GET, and POST to the routes that only
    read, without cookies."""

    @field_validator("cors_origins")
    @classmethod
    def _check_origins(cls, text: str) -> str:
        return check_origins(text)

    def origins(self) -> tuple[str, ...]:
        """These origins."""
        return parse_origins(self.cors_origins)
