"""Every route of the API has a way to its function: in the gateway and in the proxies."""

import json
import re
from pathlib import Path

import pytest

from local.stack.gateway import SERVICES

ROOT = Path(__file__).resolve().parents[3]
PATHS = json.loads((ROOT / "docs/openapi.json").read_text())["paths"]
SEGMENTS = {path.split("/")[1] for path in PATHS} - {"health"}


def test_the_gateway_knows_every_first_segment():
    assert {segment for service in SERVICES for segment in service.segments} >= SEGMENTS


@pytest.mark.parametrize("path", sorted((ROOT / "deploy").rglob("nginx.conf")))
def test_the_proxies_know_every_first_segment(path):
    ways = " ".join(re.findall(r"location (?:= |~ \^?)?(\S+)", path.read_text()))
    known = set(re.findall(r"\w+", ways))
    assert known >= SEGMENTS, SEGMENTS - known
