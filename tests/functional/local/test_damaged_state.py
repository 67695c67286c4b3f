"""Any damaged file of a state folder: the stack starts, or one sentence names the file."""

import json
import random
import shutil
import tempfile
from dataclasses import asdict
from pathlib import Path

import pytest

from local.checked import DamagedFileError, decode
from local.errors import LocalStackError
from local.stack.ports import free_port
from local.stack.postgres import Postgres
from local.state import FolderLock, StateFolder
from local.training.folder import RunFolder, RunState
from local.training.report import build_report
from tests.damage import DAMAGES

PASSWORD = "not-a-secret"
CACHES = {"pg_internal.init", "pgstat.stat", "postmaster.pid"}
RUN = RunState(
    supervisor=(1, 2.0), started_at="2026-01-01T00:00:00+00:00", finished_at="2026-01-02", status=0
)
CLUSTER_DAMAGES = (
    ("deleted", "PG_VERSION", "starts"),
    ("scrambled", "PG_VERSION", "starts"),
    ("emptied", "pg_hba.conf", "pg_hba.conf"),
    ("deleted", "postgresql.conf", "postgresql.conf"),
    ("emptied", "global/pg_control", "pg_control"),
    ("deleted", "base/5/PG_VERSION", "base/5"),
    ("scrambled", "global/1262", "page"),
)
"""Damage, file, and what the start does: it succeeds, or its error contains a text."""


def damaged_copies(template, folder, name, damage):
    """Copies of a folder in which one file is damaged, with the file's new content."""
    rng = random.Random(5)
    for attempt in range(DAMAGES[damage].attempts):
        root = folder / str(attempt)
        shutil.copytree(template, root)
        DAMAGES[damage].apply(root / name, rng)
        yield StateFolder(root)


@pytest.fixture
def template(tmp_path):
    """A state folder that looks as if it has data."""
    state = StateFolder(tmp_path / "template")
    state.create()
    state.secrets()
    (state.postgres / "global").mkdir(parents=True)
    (state.postgres / "global" / "pg_control").write_bytes(b"x")
    return state.root


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_marker_is_written_again(template, tmp_path, damage):
    for state in damaged_copies(template, tmp_path, "reviewlens-state", damage):
        text = state.marker.read_bytes() if state.marker.exists() else b""
        if text.strip().isdigit() and int(text) > 1:
            with pytest.raises(LocalStackError, match="reviewlens-state says that a newer release"):
                state.create()
        else:
            state.create()
            assert state.marker.read_bytes() == b"1\n"


@pytest.mark.parametrize("name", ["secrets.json", "secrets.copy.json"])
@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_secrets_are_restored_from_the_other_file(template, tmp_path, name, damage):
    expected = StateFolder(template).secrets()
    for state in damaged_copies(template, tmp_path, name, damage):
        assert state.secrets() == expected
        for path in (state.root / "secrets.json", state.root / "secrets.copy.json"):
            assert decode(path.read_bytes()) == expected
            assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("damage", ["scrambled", "emptied", "deleted"])
def test_lost_secrets_are_never_replaced_by_new_ones(template, damage):
    state = StateFolder(template)
    for name in ("secrets.json", "secrets.copy.json"):
        DAMAGES[damage].apply(state.root / name, random.Random(1))
    with pytest.raises(LocalStackError, match=r"secrets\.json and its copy .* put one of them"):
        state.secrets()
    shutil.rmtree(state.postgres)
    assert set(state.secrets()) >= {"reviewer_key", "database_password"}


@pytest.mark.parametrize("name", ["lock", "stack.json"])
@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_lock_or_announcement_is_harmless(template, tmp_path, name, damage):
    (template / "lock").write_bytes(b"1")
    (template / "stack.json").write_text(json.dumps({"pid": 1, "version": "1"}))
    for state in damaged_copies(template, tmp_path, name, damage):
        state.create()
        assert state.running() is None
        with FolderLock(state.root):
            assert state.running() is None
            with pytest.raises(LocalStackError, match=r"stack\.json is damaged"):
                state.require_running()


@pytest.mark.parametrize("name", ["state.json", "job.json"])
@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_training_run_is_reported(template, tmp_path, name, damage):
    run = RunFolder(template / "training" / "train_1")
    run.root.mkdir(parents=True)
    run.write_description(["python"], {}, tmp_path)
    run.write_state(RUN)
    for state in damaged_copies(template, tmp_path, f"training/train_1/{name}", damage):
        copy = RunFolder(state.root / "training" / "train_1")
        if copy.exists:
            build_report(copy)


def test_a_run_with_a_damaged_state_counts_as_failed(template):
    run = RunFolder(template / "training" / "train_1")
    run.root.mkdir(parents=True)
    run.write_description(["python"], {}, template)
    (run.root / "state.json").write_text(json.dumps(asdict(RUN))[:-9])
    report = build_report(run)
    assert (report.state, report.failure_reason) == ("failed", "state.json is damaged")


@pytest.fixture(scope="module")
def cluster():
    """The data folder of a stopped server."""
    folder = Path(tempfile.mkdtemp(prefix="reviewlens-test-"))
    server = server_on(folder / "data")
    server.start()
    server.stop()
    yield folder / "data"
    shutil.rmtree(folder, ignore_errors=True)


def server_on(data):
    return Postgres(
        data,
        port=free_port(0, purpose="test database", option="-"),
        password=PASSWORD,
        log_path=data.with_name("log"),
    )


def names(folder):
    """Files of a cluster but for the caches, which the server itself removes."""
    files = (path for path in folder.rglob("*") if path.name not in CACHES)
    return {str(path.relative_to(folder)) for path in files}


@pytest.mark.parametrize(("damage", "name", "expected"), CLUSTER_DAMAGES)
def test_a_damaged_cluster_starts_or_names_its_file(cluster, shared_path, damage, name, expected):
    data = shared_path / "data"
    shutil.copytree(cluster, data, copy_function=shutil.copy2)
    owner = cluster.stat()
    for path in (data, *data.rglob("*")):
        shutil.chown(path, owner.st_uid, owner.st_gid)
    DAMAGES[damage].apply(data / name, random.Random(3))
    before = names(data)
    server, message = server_on(data), "starts"
    try:
        server.start()
    except LocalStackError as error:
        message = error.message
    finally:
        server.stop()
    assert expected in message
    assert "\n" not in message
    assert message == "starts" or "Nothing was deleted" in message
    assert names(data) >= before


def test_a_cluster_of_another_version_is_named(cluster, shared_path):
    (shared_path / "data").mkdir()
    (shared_path / "data" / "PG_VERSION").write_text("16\n")
    with pytest.raises(LocalStackError, match="PostgreSQL 16 wrote the database"):
        server_on(shared_path / "data").start()


def test_files_with_a_checksum_are_read_and_checked():
    assert decode(b'{"a": 1}') == {"a": 1}
    for body in (b"", b"[]", b'{"a": 1, "checksum": "0"}', b"\xff"):
        with pytest.raises(DamagedFileError):
            decode(body)
