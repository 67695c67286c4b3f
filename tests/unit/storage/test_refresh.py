"""The last good version stays open while newer ones are bad."""

from types import SimpleNamespace

import pytest

from shared.errors import ArtefactError, UnavailableError
from shared.storage import refresh
from shared.storage.refresh import LastGoodVersion, RefreshTimer


@pytest.fixture
def clock(monkeypatch):
    """A clock to move by hand: ``clock.append(seconds)``."""
    times = [0.0]
    monkeypatch.setattr(refresh, "time", SimpleNamespace(monotonic=lambda: times[-1]))
    return times


@pytest.fixture
def errors():
    """Errors to raise when a version is opened, by version."""
    return {}


@pytest.fixture
def opened():
    """Versions that were opened, or tried."""
    return []


@pytest.fixture
def version(clock, errors, opened):
    def open_version(name):
        opened.append(name)
        if name in errors:
            raise errors[name]
        return name.upper()

    return LastGoodVersion(open_version)


def test_a_version_is_opened_once(version, opened):
    assert version.value is None
    assert [version.open("v1"), version.open("v1")] == ["V1", "V1"]
    assert (version.version, opened) == ("v1", ["v1"])


def test_a_bad_version_leaves_the_last_good_one(version, errors):
    version.open("v1")
    errors["v2"] = ArtefactError("v2 is corrupt")
    with pytest.raises(ArtefactError):
        version.open("v2")
    assert (version.version, version.value) == ("v1", "V1")


def test_a_bad_version_is_retried_after_a_minute(version, errors, opened, clock):
    errors["v1"] = ArtefactError("v1 is corrupt")
    for seconds in (0.0, 59.0):
        clock.append(seconds)
        with pytest.raises(ArtefactError, match="v1 is corrupt"):
            version.open("v1")
    assert opened == ["v1"]
    del errors["v1"]
    clock.append(60.0)
    assert version.open("v1") == "V1"


def test_an_unavailable_store_does_not_make_a_version_bad(version, errors):
    errors["v1"] = UnavailableError("S3 did not answer")
    with pytest.raises(UnavailableError):
        version.open("v1")
    del errors["v1"]
    assert version.open("v1") == "V1"


def test_a_refresh_is_due_at_first_and_after_the_interval(clock):
    timer = RefreshTimer(5.0)
    assert timer.is_due
    timer.restart()
    clock.append(4.9)
    assert not timer.is_due
    clock.append(5.0)
    assert timer.is_due
