"""A backup of a running stack, restored into another folder."""

import shutil
import subprocess

import pytest

from local.backup.contents import Manifest
from local.backup.places import FolderPlace, S3Place
from local.backup.read import restore
from local.backup.write import back_up
from local.errors import LocalStackError
from local.names import BUCKETS
from local.stack.cluster import stop_leftover_processes
from local.state import StateFolder
from shared.storage.objects import S3Store
from tests.e2e.one_stack.conftest import DUMPS
from tests.e2e.stack import COMMAND, SAMPLES

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


def ignore(_step):
    pass


@pytest.fixture
def copy(backup, shared_path):
    """A copy of the backup to damage."""
    return shutil.copytree(backup, shared_path / "copy")


def objects(stack):
    """Key, ETag, time and size of each object but those that the running stack may replace."""
    s3, found = stack.aws("s3"), {}
    for bucket in BUCKETS:
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket):
            for each in page.get("Contents", []):
                found[bucket, each["Key"]] = (each["ETag"], each["Size"], each["LastModified"])
    return {name: value for name, value in found.items() if not name[1].startswith("pointers/")}


def refusal(place, root):
    with pytest.raises(LocalStackError) as caught:
        restore(place, root, ignore)
    assert not StateFolder(root).has_marker()
    assert not root.with_name(f"{root.name}.restoring").exists()
    assert "\n" not in caught.value.message
    return caught.value.message


def test_files_of_a_backup_are_private(backup):
    for path in backup.rglob("*"):
        assert path.stat().st_mode & 0o077 == 0, path
    assert not (backup / "backup.unfinished").exists()


def test_a_restored_stack_is_the_same(stack, samples, backup, new_stack):
    other = new_stack()
    command = [COMMAND, "restore", str(backup), "--state", str(other.folder.root)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "50 searches agree" in done.stdout
    other.start()
    assert objects(other).items() >= objects(stack).items()
    for name, ingest_id in samples.items():
        assert other.report(ingest_id).model_dump() == stack.report(ingest_id).model_dump()
        assert other.put(name, (SAMPLES / name).read_bytes()) == ingest_id
    query = "The battery died after a week"
    found = [[r.review_id for r in each.api.search(query).results] for each in (stack, other)]
    assert found[0] == found[1]
    reviewers = "SELECT review_id, reviewer_key FROM reviews ORDER BY 1"
    assert other.rows(reviewers) == stack.rows(reviewers)
    key = "reviewer_key"
    assert other.folder.secrets()[key] == stack.folder.secrets()[key]
    for name in DUMPS:
        assert other.wait_for(samples[name]).stored == stack.report(samples[name]).stored


def test_an_interrupted_backup_is_continued(stack, samples, shared_path):
    place = FolderPlace(shared_path / "backup")
    stored = []

    class Interrupted(FolderPlace):
        def put(self, name, path):
            if len(stored) == 12:
                raise KeyboardInterrupt
            super().put(name, path)
            stored.append(name)

    with pytest.raises(KeyboardInterrupt):
        back_up(stack.folder, Interrupted(shared_path / "backup"), ignore)
    assert "backup.json is missing" in refusal(place, shared_path / "state")
    kept = {
        path.name: path.stat().st_ino for path in (shared_path / "backup" / "objects").iterdir()
    }
    back_up(stack.folder, place, ignore)
    after = {
        path.name: path.stat().st_ino for path in (shared_path / "backup" / "objects").iterdir()
    }
    assert after.items() >= kept.items()
    with pytest.raises(LocalStackError, match="has a complete backup"):
        back_up(stack.folder, place, ignore)


def test_a_damaged_backup_is_refused_with_the_name_of_the_file(copy, shared_path):
    place = FolderPlace(copy)
    files = [copy / name for name in ("database.dump", "objects.jsonl", "secrets.json")]
    files.append(next(path for path in sorted((copy / "objects").iterdir()) if path.stat().st_size))
    for path in files:
        body = path.read_bytes()
        path.write_bytes(body[:-1] + bytes([body[-1] ^ 1]))
        assert f"{path.name} is damaged" in refusal(place, shared_path / "state")
        path.unlink()
        assert f"{path.name} is missing" in refusal(place, shared_path / "state")
        path.write_bytes(body)


def test_other_backups_and_places_are_refused(copy, stack, shared_path):
    place, path = FolderPlace(copy), copy / "backup.json"
    manifest = Manifest.model_validate_json(path.read_bytes())
    for change, message in (
        ({"format": 2}, "has format 2"),
        ({"revision": "9999"}, "newer than this release"),
        ({"counts": manifest.counts | {"reviews": 1}}, "reviews has"),
        ({"objects": 3}, "not 3"),
        ({"searches": [{"text": "x", "review_ids": ["none"]}]}, "1 of 1 searches found other"),
    ):
        path.write_text(manifest.model_copy(update=change).model_dump_json(warnings=False))
        assert message in refusal(place, shared_path / "state")
    path.write_bytes(b"{")
    assert "backup.json is damaged" in refusal(place, shared_path / "state")
    (shared_path / "full").mkdir()
    (shared_path / "full" / "thesis.txt").write_text("x")
    assert "is not empty" in refusal(place, shared_path / "full")
    with pytest.raises(LocalStackError, match="is not empty"):
        back_up(stack.folder, FolderPlace(shared_path / "full"), ignore)
    with pytest.raises(LocalStackError, match="is not a Reviewlens state folder"):
        back_up(StateFolder(shared_path / "full"), FolderPlace(shared_path / "new"), ignore)


def test_a_backup_in_s3_of_a_stopped_folder(backup, aws_client, new_bucket, shared_path):
    """Of the restored folder, so that it is stopped and PostgreSQL is started for the backup."""
    state = StateFolder(shared_path / "state")
    restore(FolderPlace(backup), state.root, ignore)
    place = S3Place(S3Store(aws_client("s3"), new_bucket()), "nightly/one")
    try:
        first = back_up(state, place, ignore)
        second = restore(place, shared_path / "again", ignore)
    finally:
        stop_leftover_processes(state.postgres, timeout=0)
    assert first == second
    assert (
        first.counts == Manifest.model_validate_json((backup / "backup.json").read_bytes()).counts
    )
