"""Settings of the function that fetches pictures."""

import os
from typing import Self

from pydantic import Field, field_validator, model_validator

from shared.settings.base import ServiceSettings


class ImageFetchSettings(ServiceSettings):
    """Which addresses are fetched, and how much time and data a fetch may take."""

    image_fetch_http: bool = False
    """Whether addresses with http are fetched as well as those with https."""
    image_fetch_ports: str = "443,80"
    """Ports that an address may name, separated by commas."""
    image_fetch_seconds: float = Field(default=5.0, gt=0, le=20)
    """Time for everything: names, connections, redirects and all bytes."""
    image_fetch_ca_file: str = ""
    """File of the certificates that are trusted; empty: those of the system."""
    image_fetch_loopback: bool = False
    """For tests: whether addresses of this machine are fetched; refused on AWS."""

    @field_validator("image_fetch_ports")
    @classmethod
    def _check_ports(cls, value: str) -> str:
        ports = value.split(",")
        if not all(port.strip().isdecimal() and 0 < int(port) < 2**16 for port in ports):
            raise ValueError("must be numbers from 1 to 65535, separated by commas")
        return value

    @model_validator(mode="after")
    def _check_loopback(self) -> Self:
        is_local = self.environment == "local" and "AWS_LAMBDA_FUNCTION_NAME" not in os.environ
        if self.image_fetch_loopback and not is_local:
            raise ValueError("REVIEWLENS_IMAGE_FETCH_LOOPBACK: only allowed on one machine")
        return self

    def ports(self) -> frozenset[int]:
        """The allowed ports."""
        return frozenset(int(port) for port in self.image_fetch_ports.split(","))
