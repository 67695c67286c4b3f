"""A fusion head is used only with the encoder and the picture tower that it was trained with."""

import io
import json

import numpy as np
import pytest

from shared.errors import ArtefactError
from shared.runtime.encoder import open_folder
from shared.runtime.fusion import open_head, read_head, save_head
from shared.schemas.formats import FormatError
from shared.schemas.fusion import HEAD_FILE
from shared.schemas.manifest import Manifest
from shared.storage.artefacts import read_folder
from tests.fused import add_head, fused_model, tiny_head
from tests.joint import joint_model
from tests.sauces import tiny_model


def test_a_head_is_read_as_it_was_written_and_equal_heads_are_equal_files(tmp_path):
    save_head(tiny_head(), tmp_path / "a.npz")
    save_head(tiny_head(), tmp_path / "b.npz")
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()
    texts, pictures = np.eye(6, dtype=np.float32)[:3], np.eye(3, dtype=np.float32)
    first, second = tiny_head(), read_head(tmp_path / "a.npz")
    for given in ((texts, pictures), (texts, None), (None, pictures)):
        np.testing.assert_array_equal(first.logits(*given), second.logits(*given))


def test_a_model_opens_with_its_head(tmp_path):
    assert open_folder(fused_model(tmp_path / "fused")).head is not None
    plain = add_head(tiny_model(tmp_path / "plain"), picture_sha256="0" * 64)
    assert open_folder(plain).head is not None
    assert open_folder(joint_model(tmp_path / "joint")).head is None


def test_a_head_of_another_encoder_is_refused(tmp_path):
    other = tiny_model(tmp_path / "other", tokens="vectors")
    digest = read_folder(other, kind="model").manifest.encoder_sha256
    folder = fused_model(tmp_path / "fused", encoder_sha256=digest, text_model="tiny-other")
    with pytest.raises(ArtefactError, match="was trained with tiny-other: the other files of"):
        open_folder(folder)


def test_a_head_of_another_picture_tower_is_refused(tmp_path):
    folder = fused_model(tmp_path / "fused", picture_sha256="0" * 64, picture_model="other-1")
    with pytest.raises(ArtefactError, match=r"picture tower other-1, not with picture\.onnx"):
        open_folder(folder)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda head: head._replace(bias=np.zeros(2, np.float32)), r"bias in .* must be float32"),
        (lambda head: head._replace(no_text=head.no_text + np.nan), "no_text in .* is not finite"),
        (lambda _: tiny_head(4), r"text\.weights in .* \(6, 3\), not float32 \(7, 3\)"),
    ],
    ids=["shape", "not-finite", "other-dimension"],
)
def test_a_head_that_cannot_be_used_is_refused_by_its_part(tmp_path, damage, message):
    with pytest.raises(ArtefactError, match=message):
        open_folder(fused_model(tmp_path / "fused", head=damage(tiny_head())))


def array_file():
    body = io.BytesIO()
    np.save(body, np.zeros(3, np.float32))
    return body.getvalue()


@pytest.mark.parametrize("damage", [lambda body: body[:-40], lambda _: b"", lambda _: b"no archive",
                                    lambda _: array_file()],
                         ids=["truncated", "empty", "text", "one array"])  # fmt: skip
def test_a_damaged_head_is_refused(tmp_path, damage):
    folder = fused_model(tmp_path / "fused")
    (folder / HEAD_FILE).write_bytes(damage((folder / HEAD_FILE).read_bytes()))
    with pytest.raises(ArtefactError, match=r"fusion\.npz of .* cannot be read"):
        open_head(folder, Manifest.model_validate_json((folder / "manifest.json").read_bytes()))


def test_a_head_must_be_a_file_of_the_manifest(tmp_path):
    folder = fused_model(tmp_path / "fused")
    manifest = json.loads((folder / "manifest.json").read_text())
    del manifest["files"][HEAD_FILE]
    (folder / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(ArtefactError, match="cannot be read as a manifest"):
        open_folder(folder)


def test_a_head_of_a_newer_format_is_refused_by_name(tmp_path):
    with pytest.raises(FormatError, match=r"fusion has format version 2; .* fusion head versions?"):
        open_folder(fused_model(tmp_path / "fused", format=2))
