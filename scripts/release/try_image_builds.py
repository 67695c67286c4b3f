"""Try the image builds without a container engine: run every RUN instruction in a root folder.

    debootstrap --variant=minbase --include=python3,ca-certificates trixie ROOT
    cp --archive PREFIX/. ROOT/usr/local && ln -sf python3.12 ROOT/usr/local/bin/python
    chroot ROOT /sbin/ldconfig
    python scripts/release/try_image_builds.py ROOT [IMAGE …]

Needs root, for chroot. ROOT is a base image's file system, with ``python`` and its pip in
/usr/local: that of a container (docker export), or one as above, where PREFIX is an installed
CPython 3.12 (such as ~/.pyenv/versions/3.12.1); Debian's own Python has no pip. ROOT is copied for
each stage and stays unchanged. The images of functions pin wheels of Python 3.12 with hashes; with
another Python in ROOT, the same versions are installed for that Python without their hashes, and
the output says so.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from cdk.packaging.bundles import PYTHON
from cdk.packaging.images import build_context, image_names
from cdk.paths import ROOT
from scripts.release.dockerfile import DockerfileError, Stage, carry_out

SERVICES = {"services": "services", "services-training": "training"}
"""Image of the services (deploy/Dockerfile) → the stage that it is."""
_CHROOT = shutil.which("chroot") or "/usr/sbin/chroot"
_PASSED_ON = ("PIP_", "http_proxy", "https_proxy", "no_proxy")
"""Variables of this machine by which pip finds an index."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Try the builds; returns the exit status, 1 if one fails."""
    parser = argparse.ArgumentParser(description="Run the RUN instructions of the images.")
    parser.add_argument("root", type=Path, help="root folder of the base image")
    known = [*image_names(), *SERVICES]
    parser.add_argument("images", nargs="*", metavar="IMAGE", help=", ".join(known))
    options = parser.parse_args(arguments)
    if unknown := set(options.images) - set(known):
        parser.error(f"there is no image {', '.join(sorted(unknown))}")
    version = python_version(options.root)
    print(f"{options.root}: Python {version}")
    failed = [
        image for image in options.images or known if not try_build(image, options.root, version)
    ]
    print(f"failed: {', '.join(failed)}" if failed else "all builds passed")
    return 1 if failed else 0


def try_build(image: str, root: Path, version: str) -> bool:
    """Carry out the build of one image; prints what it runs, and returns whether it passed."""
    print(f"== {image}")
    with tempfile.TemporaryDirectory(prefix=f"{image}-") as folder:
        context = Path(folder, "context")
        if image in SERVICES:
            copy_repository(context)
        else:
            context.symlink_to(build_context(image))
        try:
            carry_out(context, root, Path(folder), _Runner(version), target=SERVICES.get(image))
        except DockerfileError as error:
            print(f"{image}: {error}")
            return False
    return True


def copy_repository(context: Path) -> None:
    """Copy what an engine gets to see of the repository (.dockerignore), and deploy/Dockerfile."""
    context.mkdir()
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    for name in (line.removeprefix("!") for line in lines if line.startswith("!")):
        source = ROOT / name
        if source.is_dir():
            ignore = shutil.ignore_patterns("__pycache__", ".git")
            shutil.copytree(source, context / name, ignore=ignore)
        else:
            shutil.copy(source, context / name)
    shutil.copy(ROOT / "deploy" / "Dockerfile", context / "Dockerfile")


def python_version(root: Path) -> str:
    """Version of the Python in a root folder, such as ``3.12``.

    Raises:
        CalledProcessError: there is none, or it cannot run.
    """
    code = "import sys; print('%d.%d' % sys.version_info[:2])"
    command = [_CHROOT, str(root), "python", "-c", code]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def without_hashes(command: str, requirements: Path) -> str:
    """The command without --require-hashes, after the hashes were removed from the file."""
    text = requirements.read_text()
    requirements.write_text(re.sub(r" --hash=\S+", "", text))
    return command.replace("--require-hashes", "")


class _Runner:
    def __init__(self, version: str) -> None:
        self._version = version

    def __call__(self, stage: Stage, command: str) -> None:
        if "--require-hashes" in command and self._version != PYTHON:
            file = stage.path("/tmp/requirements.txt")
            if file.exists():  # those of services have the hashes of every Python
                print(f"   (Python {self._version}, not {PYTHON}: the hashes are not checked)")
                command = without_hashes(command, file)
        print(f"   RUN {command}", flush=True)
        inside = f"cd {stage.folder} && {command}"
        passed_on = {k: v for k, v in os.environ.items() if k.startswith(_PASSED_ON)}
        start = time.monotonic()
        done = subprocess.run(
            [_CHROOT, f"--userspec={stage.user}", str(stage.root), "/bin/sh", "-c", inside],
            env={**passed_on, **stage.environment},
            check=False,
        )
        print(f"   status {done.returncode} after {time.monotonic() - start:.0f} s", flush=True)
        if done.returncode:
            raise DockerfileError(f"a RUN instruction failed with status {done.returncode}")


if __name__ == "__main__":
    sys.exit(main())
