"""The registry: versions, evaluations, verdicts, and the log for rollbacks."""

import json
from datetime import UTC, datetime

import pytest

from shared.errors import ArtefactError, ConflictError, NotFoundError
from shared.schemas.gate import GateResult
from shared.schemas.manifest import FileEntry, Manifest
from shared.storage import artefacts, registry
from shared.storage.objects import S3Store
from tests.corpus import publish_manifest_only
from tests.fakes.objects import MemoryStore


@pytest.fixture(params=["memory", "s3"])
def store(request):
    if request.param == "memory":
        return MemoryStore()
    client = request.getfixturevalue("aws_client")("s3")
    return S3Store(client, request.getfixturevalue("new_bucket")())


def model_folder(folder, version="m1", body=b"graph"):
    folder.mkdir()
    (folder / "model.onnx").write_bytes(body)
    entry = FileEntry(sha256=artefacts.file_sha256(folder / "model.onnx"), bytes=len(body))
    manifest = Manifest(
        kind="model",
        version=version,
        created_at=datetime.now(UTC),
        files={"model.onnx": entry},
        dimension=4,
        metrics={"test": {"accuracy": 0.9}},
    )
    (folder / "manifest.json").write_text(manifest.model_dump_json())
    return folder


def evaluation(folder, version="m1", **figures):
    folder.mkdir()
    (folder / "evaluation.json").write_text(json.dumps({"version": version, **figures}))
    (folder / "predictions.parquet").write_bytes(b"PAR1")
    return folder


def verdict(candidate, against, *, passed=True):
    return GateResult(
        candidate=candidate,
        against=against,
        passed=passed,
        reasons=[] if passed else ["worse"],
        level=0.05,
        judged_at=datetime.now(UTC),
    )


def make_current(store, version, replaced):
    registry.record_current(store, replaced)
    publish_manifest_only(store, version, 4)
    registry.record_activation(store, version)


def rollback_version(store):
    now = artefacts.current(store, "model")
    line = registry.rollback_target(registry.history(store), now.version if now else None)
    return line.version if line else None


def roll_back_to(store, version):
    now = artefacts.current(store, "model")
    target = registry.rollback_target(registry.history(store), now.version)
    assert target.version == version
    artefacts.move_pointer(store, "model", version, if_match=now.etag)
    registry.record_rollback(store, target)


def test_a_registered_folder_is_a_candidate_with_its_figures(store, tmp_path):
    registry.register(store, model_folder(tmp_path / "m"), evaluation(tmp_path / "e"))
    (model,) = registry.list_versions(store)
    assert (model.version, model.state, model.evaluated) == ("m1", "candidate", True)
    assert model.metrics == {"test": {"accuracy": 0.9}}
    assert model.bytes == 5
    (digest,) = registry.evaluations(store, "m1")
    registry.fetch_evaluation(store, "m1", digest, tmp_path)
    for name in registry.EVALUATION_FILES:
        assert (tmp_path / name).read_bytes() == (tmp_path / "e" / name).read_bytes()


def test_registering_again_changes_nothing_and_other_content_conflicts(store, tmp_path):
    folder, figures = model_folder(tmp_path / "m"), evaluation(tmp_path / "e")
    registry.register(store, folder, figures)
    registry.register(store, folder, figures)
    with pytest.raises(ConflictError):
        registry.register(store, model_folder(tmp_path / "n", body=b"other"))
    assert len(registry.evaluations(store, "m1")) == 1


def test_a_second_evaluation_is_added_without_changing_the_first(store, tmp_path):
    folder = model_folder(tmp_path / "m")
    registry.register(store, folder, evaluation(tmp_path / "e"))
    registry.register(store, folder, evaluation(tmp_path / "f", limit=9))
    limits = set()
    for digest in registry.evaluations(store, "m1"):
        registry.fetch_evaluation(store, "m1", digest, tmp_path)
        limits.add(json.loads((tmp_path / "evaluation.json").read_text()).get("limit"))
    assert limits == {None, 9}


def test_a_damaged_evaluation_is_reported_as_corrupt(store, tmp_path):
    registry.register(store, model_folder(tmp_path / "m"), evaluation(tmp_path / "e"))
    (digest,) = registry.evaluations(store, "m1")
    store.put(f"models/m1/evaluation/{digest}/predictions.parquet", b"PAR2")
    with pytest.raises(ArtefactError, match="corrupt"):
        registry.fetch_evaluation(store, "m1", digest, tmp_path)


def test_an_evaluation_of_another_version_is_rejected_before_publishing(store, tmp_path):
    with pytest.raises(ArtefactError, match="belongs to m2, not to m1"):
        registry.register(store, model_folder(tmp_path / "m"), evaluation(tmp_path / "e", "m2"))
    assert registry.list_versions(store) == []


def test_an_evaluation_without_its_last_file_does_not_count_until_written_again(store, tmp_path):
    folder, figures = model_folder(tmp_path / "m"), evaluation(tmp_path / "e")
    registry.register(store, folder, figures)
    (digest,) = registry.evaluations(store, "m1")
    store.delete(f"models/m1/evaluation/{digest}/evaluation.json")  # the last file written
    assert not registry.describe(store, "m1").evaluated
    registry.register(store, folder, figures)
    assert registry.evaluations(store, "m1") == [digest]


def test_an_incomplete_evaluation_publishes_nothing(store, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(ArtefactError, match=r"evaluation\.json"):
        registry.register(store, model_folder(tmp_path / "m"), tmp_path / "empty")
    assert registry.list_versions(store) == []
    assert registry.evaluations(store, "m1") == []


def test_the_listing_shows_current_and_earlier_versions(store):
    publish_manifest_only(store, "m1", 4)
    make_current(store, "m2", replaced="m1")
    publish_manifest_only(MemoryStore(), "m3", 4)
    states = {each.version: each.state for each in registry.list_versions(store)}
    assert states == {"m1": "earlier", "m2": "current"}
    with pytest.raises(NotFoundError):
        registry.describe(store, "m9")


def test_repeated_rollbacks_return_to_ever_earlier_versions(store):
    publish_manifest_only(store, "m1", 4)
    assert rollback_version(store) is None
    make_current(store, "m2", replaced="m1")
    make_current(store, "m3", replaced="m2")
    roll_back_to(store, "m2")
    roll_back_to(store, "m1")
    assert rollback_version(store) is None
    make_current(store, "m4", replaced="m1")
    roll_back_to(store, "m1")
    lines = registry.history(store)
    assert [(line.action, line.version) for line in lines] == [
        ("found", "m1"),
        ("activate", "m2"),
        ("activate", "m3"),
        ("rollback", "m2"),
        ("rollback", "m1"),
        ("activate", "m4"),
        ("rollback", "m1"),
    ]


def test_a_pointer_moved_without_a_log_entry_does_not_break_rollbacks(store):
    publish_manifest_only(store, "m1", 4)
    make_current(store, "m2", replaced="m1")
    publish_manifest_only(store, "m3", 4)  # its writer was killed before it logged the move
    assert rollback_version(store) == "m2"
    make_current(store, "m4", replaced="m3")
    roll_back_to(store, "m3")
    roll_back_to(store, "m2")
    roll_back_to(store, "m1")


def test_two_concurrent_writers_both_add_their_log_entry(store, monkeypatch):
    publish_manifest_only(store, "m1", 4)
    put, calls = store.put, []

    def put_after_another(key, body, **conditions):
        if not calls and key.startswith("activations/"):
            calls.append(key)
            registry.record_activation(store, "m3")
        return put(key, body, **conditions)

    monkeypatch.setattr(store, "put", put_after_another)
    registry.record_activation(store, "m2")
    assert [(line.number, line.version) for line in registry.history(store)] == [
        (1, "m3"),
        (2, "m2"),
    ]


def test_the_last_verdict_on_a_pair_of_versions_counts(store):
    publish_manifest_only(store, "m2", 4)
    publish_manifest_only(store, "m1", 4)
    assert registry.verdict(store, "m2", "m1") is None
    registry.put_verdict(store, verdict("m2", "m1", passed=False))
    registry.put_verdict(store, verdict("m2", "m1"))
    assert registry.verdict(store, "m2", "m1").passed
    assert registry.verdict(store, "m2", "m0") is None
    assert registry.describe(store, "m2").gate.passed
    assert artefacts.versions(store, "model") == ["m1", "m2"]
    with pytest.raises(NotFoundError):
        registry.put_verdict(store, verdict("m9", "m1"))


def test_concurrent_verdicts_do_not_overwrite_each_other(store, monkeypatch):
    publish_manifest_only(store, "m2", 4)
    registry.put_verdict(store, verdict("m2", "m1"))
    put, calls = store.put, []

    def put_after_another(key, body, **conditions):
        if not calls:
            calls.append(key)
            registry.put_verdict(store, verdict("m2", "m1", passed=False))
        return put(key, body, **conditions)

    monkeypatch.setattr(store, "put", put_after_another)
    with pytest.raises(ConflictError):
        registry.put_verdict(store, verdict("m2", "m1"))
    assert not registry.verdict(store, "m2", "m1").passed


@pytest.mark.parametrize("key", ["activations/00000001.json", "models/m2/gates/m1.json"])
def test_an_unreadable_entry_is_an_error(store, key):
    publish_manifest_only(store, "m2", 4)
    store.put(key, json.dumps({"number": "one"}).encode())
    with pytest.raises(ArtefactError, match="cannot be read"):
        registry.history(store) if "activations" in key else registry.verdict(store, "m2", "m1")
