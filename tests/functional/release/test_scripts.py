"""Release scripts: publication and rollback of models, checks of images and assemblies."""

import json
from datetime import UTC, date, datetime

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from scripts.release import (
    check_assembly,
    publish_model,
    roll_back_model,
    scan_images,
    upload_training_data,
)
from shared.errors import NotFoundError
from shared.schemas.manifest import Manifest
from shared.storage import artefacts, registry
from shared.storage.layout import pointer_key, version_prefix
from shared.storage.objects import S3Store
from tests.corpus import publish_manifest_only

DIGEST = "ab" * 32


@pytest.fixture
def aws(monkeypatch, aws_endpoint):
    """Point the environment of the scripts to the simulated AWS."""
    values = {
        "AWS_ENDPOINT_URL": aws_endpoint,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "eu-west-1",
    }
    for name, value in values.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def store(aws, aws_client, new_bucket):
    return S3Store(aws_client("s3"), new_bucket())


def model_folder(folder, version):
    folder.mkdir()
    (folder / "model.onnx").write_bytes(version.encode())
    entry = {"sha256": artefacts.file_sha256(folder / "model.onnx"), "bytes": len(version)}
    manifest = Manifest(
        kind="model",
        version=version,
        created_at=datetime.now(UTC),
        files={"model.onnx": entry},
        dimension=4,
    )
    (folder / "manifest.json").write_text(manifest.model_dump_json())
    return folder


def publish_index(store, version, model):
    manifest = Manifest(
        kind="index",
        version=version,
        created_at=datetime.now(UTC),
        files={},
        dimension=4,
        model_version=model,
    )
    store.put(
        f"{version_prefix('index', version)}manifest.json", manifest.model_dump_json().encode()
    )


def test_only_the_first_published_model_becomes_current(store, tmp_path, capsys):
    for version in ("m-1", "m-2"):
        folder = model_folder(tmp_path / version, version)
        assert publish_model.main([str(folder), "--bucket", store.bucket]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "published m-1; the current model is m-1",
        "published m-2; the current model is m-1",
    ]
    assert artefacts.versions(store, "model") == ["m-1", "m-2"]


def test_a_damaged_model_is_not_published(store, tmp_path, capsys):
    folder = model_folder(tmp_path / "m", "m-1")
    (folder / "model.onnx").write_bytes(b"other")
    assert publish_model.main([str(folder), "--bucket", store.bucket]) == 1
    assert "model.onnx" in capsys.readouterr().err
    assert artefacts.current(store, "model") is None


def test_a_rollback_restores_the_previous_model_and_its_newest_index(store):
    publish_manifest_only(store, "m-1", 4)
    registry.record_activation(store, "m-1")
    publish_manifest_only(store, "m-2", 4)
    registry.record_activation(store, "m-2")
    for version, model in (("20260101", "m-1"), ("20260102", "m-1"), ("20260103", "m-2")):
        publish_index(store, version, model)
    artefacts.move_pointer(store, "index", "20260103", if_match=None)
    assert roll_back_model.main(["--bucket", store.bucket]) == 0
    assert artefacts.current(store, "model").version == "m-1"
    assert artefacts.current(store, "index").version == "20260102"
    assert registry.history(store)[-1].action == "rollback"


class _RacingStore(S3Store):
    """Moves the index pointer once, just before another writer does."""

    raced = False

    def put(self, key, body, **options):
        if key == pointer_key("index") and not self.raced:
            self.raced = True
            pointer = artefacts.current(self, "index")
            artefacts.move_pointer(self, "index", "20260104", if_match=pointer.etag)
        return super().put(key, body, **options)


def test_a_concurrent_index_build_does_not_interrupt_a_rollback(store, aws_client):
    publish_manifest_only(store, "m-1", 4)
    registry.record_activation(store, "m-1")
    publish_manifest_only(store, "m-2", 4)
    registry.record_activation(store, "m-2")
    for version, model in (("20260102", "m-1"), ("20260103", "m-2"), ("20260104", "m-2")):
        publish_index(store, version, model)
    artefacts.move_pointer(store, "index", "20260103", if_match=None)
    racing = _RacingStore(aws_client("s3"), store.bucket)
    assert roll_back_model.roll_back(racing) == ("m-1", "m-2")
    assert racing.raced
    assert artefacts.current(store, "index").version == "20260102"


def test_a_rollback_to_a_model_without_an_index_changes_nothing(store):
    publish_manifest_only(store, "m-1", 4)
    registry.record_activation(store, "m-1")
    publish_manifest_only(store, "m-2", 4)
    registry.record_activation(store, "m-2")
    with pytest.raises(NotFoundError, match="m-1 no longer has an index"):
        roll_back_model.roll_back(store)
    assert artefacts.current(store, "model").version == "m-2"


PINNED_BASE = {"BASE_IMAGE": f"python@sha256:{'ab' * 32}"}


def assembly(folder, *, command=None, images=(), version="54.0.0", base=PINNED_BASE):
    folder.mkdir(exist_ok=True)
    source = {"executable": command} if command else {"path": "asset.1", "packaging": "file"}
    destination = {"repositoryName": "assets-${AWS::AccountId}-${AWS::Region}"}
    manifest = {
        "version": version,
        "files": {"1": {"source": source}},
        "dockerImages": {
            tag: {
                "displayName": name,
                "source": {"directory": "x", **({"dockerBuildArgs": base} if base else {})},
                "destinations": {"here": destination | {"imageTag": tag}},
            }
            for name, tag in images
        },
    }
    (folder / "stack.assets.json").write_text(json.dumps(manifest))
    return folder


def test_an_assembly_of_files_can_be_delivered(tmp_path, capsys):
    assert check_assembly.main([str(assembly(tmp_path / "out"))]) == 0
    assert capsys.readouterr().err == ""


def test_an_assembly_with_a_command_is_rejected(tmp_path, capsys):
    folder = assembly(tmp_path / "out", command=["python", "bundle.py", "collection"])
    assert check_assembly.main([str(folder)]) == 1
    assert "python bundle.py collection" in capsys.readouterr().err


def test_an_assembly_that_is_too_large_is_rejected(tmp_path):
    folder = assembly(tmp_path / "out")
    (folder / "big.zip").write_bytes(bytes(2_000))
    assert "too large" in " ".join(check_assembly.find_errors(folder, limit=1_500))


def test_an_assembly_that_the_pinned_cdk_assets_cannot_read_is_rejected(tmp_path, capsys):
    assert check_assembly.main([str(assembly(tmp_path / "out", version="55.0.0"))]) == 1
    assert "cdk-assets reads 54" in capsys.readouterr().err


def test_an_image_without_a_pinned_base_is_rejected(tmp_path, capsys):
    folder = assembly(tmp_path / "out", images=[("serving", DIGEST)], base=None)
    assert check_assembly.main([str(folder)]) == 1
    assert "the base image of serving has no digest" in capsys.readouterr().err


def test_a_folder_without_an_assembly_is_rejected(tmp_path):
    assert check_assembly.main([str(tmp_path)]) == 1


def test_each_image_of_an_assembly_is_scanned_once(tmp_path):
    assembly(tmp_path / "a", images=[("serving", DIGEST), ("processing", "cd" * 32)])
    assembly(tmp_path / "b", images=[("serving", DIGEST)])
    images = scan_images.images_of(tmp_path, "123456789012", "eu-west-1")
    assert [(image.name, image.repository) for image in images] == [
        ("processing", "assets-123456789012-eu-west-1"),
        ("serving", "assets-123456789012-eu-west-1"),
    ]


@pytest.fixture
def pushed(aws, aws_client, tmp_path, monkeypatch):
    """An assembly with one image, which is in the registry and was never scanned."""
    ecr = aws_client("ecr")
    name = "assets-123456789012-eu-west-1"
    if name not in {r["repositoryName"] for r in ecr.describe_repositories()["repositories"]}:
        ecr.create_repository(repositoryName=name)
        kind = "application/vnd.docker.distribution.manifest.v2+json"
        config = {"digest": f"sha256:{DIGEST}", "size": 1, "mediaType": "application/json"}
        manifest = {"schemaVersion": 2, "mediaType": kind, "config": config, "layers": []}
        ecr.put_image(repositoryName=name, imageTag=DIGEST, imageManifest=json.dumps(manifest))
    accepted = tmp_path / "accepted.json"
    accepted.write_text("{}")
    monkeypatch.setattr(scan_images, "ACCEPTED_FINDINGS", accepted)
    monkeypatch.setattr(scan_images, "_PAUSE_SECONDS", 0.01)
    return assembly(tmp_path / "out", images=[("serving", DIGEST)]), accepted


def test_a_release_fails_on_fatal_findings_unless_they_are_accepted(pushed, capsys, monkeypatch):
    folder, accepted = pushed
    assert scan_images.main([str(folder)]) == 0
    output = capsys.readouterr().out
    assert "serving: " in output
    assert " findings, 0 critical" in output
    (image,) = scan_images.images_of(folder, "123456789012", "eu-west-1")
    findings = scan_images.scan(scan_images.boto3.client("ecr"), image)
    name, severity = findings[0]
    monkeypatch.setattr(scan_images, "FATAL_SEVERITY", severity)
    assert scan_images.main([str(folder)]) == 1
    assert f"{name}: not accepted" in capsys.readouterr().out
    names = {n for n, s in findings if s == severity}
    accepted.write_text(
        json.dumps({n: {"until": "2999-01-01", "reason": "not reachable"} for n in names})
    )
    assert scan_images.main([str(folder)]) == 0


def test_an_image_that_is_not_in_the_registry_fails_the_release(aws, pushed, tmp_path, capsys):
    folder = assembly(tmp_path / "other", images=[("serving", "ef" * 32)])
    assert scan_images.main([str(folder)]) == 1
    assert "serving" in capsys.readouterr().out


def test_an_accepted_finding_expires_and_needs_a_reason(tmp_path):
    path = tmp_path / "accepted.json"
    path.write_text(json.dumps({"CVE-1": {"until": "2026-01-31", "reason": "unused"}}))
    assert scan_images.accepted(path, date(2026, 1, 31)) == {"CVE-1": "unused"}
    assert scan_images.accepted(path, date(2026, 2, 1)) == {}
    path.write_text(json.dumps({"CVE-1": {"until": "2026-01-31"}}))
    with pytest.raises(ValueError, match="CVE-1: until and reason"):
        scan_images.accepted(path, date(2026, 1, 1))


def parquet(folder, name, **columns):
    rows = {"text": ["Good."], "sentiment": ["positive"], "source": ["shop"], **columns}
    pq.write_table(pa.table(rows), folder / name)


@pytest.fixture
def training_data(tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    for split in ("train", "validation", "test"):
        parquet(folder, f"{split}.parquet")
    return folder


def test_training_data_are_uploaded_once(store, training_data, capsys):
    arguments = [str(training_data), "--bucket", store.bucket]
    assert upload_training_data.main(arguments) == 0
    keys = {info.key for info in store.list("")}
    assert keys == {f"training/data/{name}.parquet" for name in ("train", "validation", "test")}
    parquet(training_data, "train.parquet", text=["Fine."])
    assert upload_training_data.main(arguments) == 0
    assert upload_training_data.main(arguments) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1:] == ["uploaded train.parquet", "uploaded nothing: all files are there"]
    body, _ = store.get("training/data/train.parquet")
    assert body == (training_data / "train.parquet").read_bytes()


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("test.parquet", None, "has no test.parquet"),
        ("test.parquet", b"", "test.parquet is not a Parquet file"),
        ("more.parquet", {"text": pa.array([], pa.string())}, "more.parquet has no column"),
    ],
    ids=["missing", "damaged", "without-columns"],
)
def test_files_that_no_training_can_read_are_not_uploaded(
    store, training_data, capsys, name, content, message
):
    path = training_data / name
    if content is None:
        path.unlink()
    elif isinstance(content, bytes):
        path.write_bytes(content)
    else:
        pq.write_table(pa.table(content), path)
    assert upload_training_data.main([str(training_data), "--bucket", store.bucket]) == 1
    assert message in capsys.readouterr().err
    assert not list(store.list(""))


def test_files_of_another_upload_are_not_trained_on_as_well(store, training_data, capsys):
    store.put("training/data/old.parquet", b"PAR1")
    assert upload_training_data.main([str(training_data), "--bucket", store.bucket]) == 1
    assert "training/data/ has files that" in capsys.readouterr().err
    assert [info.key for info in store.list("")] == ["training/data/old.parquet"]
