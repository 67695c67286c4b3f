"""Credentials of the local AWS: one access key, generated for each state folder."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self


@dataclass(frozen=True, slots=True)
class AwsKeys:
    """An access key and its secret."""

    access_key: str
    secret_key: str = field(repr=False)

    @classmethod
    def from_variables(cls, variables: Mapping[str, str]) -> Self:
        """The credentials in the environment of a child process of the stack."""
        return cls(variables["AWS_ACCESS_KEY_ID"], variables["AWS_SECRET_ACCESS_KEY"])
