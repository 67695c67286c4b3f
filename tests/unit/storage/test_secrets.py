"""Secrets in files, as containers mount them."""

import json

import pytest

from shared.errors import UnavailableError
from shared.storage.secrets import read_secret


def test_a_secret_is_read_from_its_file_each_time(tmp_path):
    path = tmp_path / "database.json"
    for password in ("first", "rotated"):
        path.write_text(json.dumps({"password": password}))
        assert read_secret(None, f"file:{path}") == {"password": password}


@pytest.mark.parametrize("body", ["", "{", "[1]", '"text"', "\udce4{}"])
def test_a_file_that_is_no_json_object_is_named_without_its_content(tmp_path, body):
    path = tmp_path / "secret.json"
    path.write_bytes(body.encode("utf-8", "surrogateescape"))
    with pytest.raises(UnavailableError, match="is not a JSON object") as raised:
        read_secret(None, f"file:{path}")
    assert str(path) in raised.value.message


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(UnavailableError, match=r"missing.json cannot be read: No such file"):
        read_secret(None, f"file:{tmp_path}/missing.json")
