"""scripts/release/push_image.sh: what it pushes and signs. docker and cosign only note words."""

import os
import subprocess

import pytest

from cdk.paths import ROOT

DIGEST = "sha256:" + "5" * 64
DOCKER = f"""#!/bin/sh
echo "docker $*" >> "$NOTES"
while [ $# -gt 0 ]; do
  [ "$1" = --metadata-file ] && echo '{{"containerimage.digest": "{DIGEST}"}}' > "$2"
  shift
done
exit 0
"""
COSIGN = '#!/bin/sh\necho "cosign $*" >> "$NOTES"\n'
HUB = {"DOCKER_USERNAME": "Somebody", "DOCKER_PASSWORD": "secret-of-the-hub"}


@pytest.fixture
def push(tmp_path):
    """Pushes with these variables; returns the commands, the outputs and what is printed."""
    for name, text in (("docker", DOCKER), ("cosign", COSIGN)):
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    notes, outputs = tmp_path / "notes", tmp_path / "outputs"

    def run(**variables):
        done = subprocess.run(
            [ROOT / "scripts/release/push_image.sh", "ghcr.io/Owner/reviewlens", "v1.2.0"],
            env={
                "PATH": f"{tmp_path}:{os.environ['PATH']}",
                "HOME": str(tmp_path),
                "NOTES": str(notes),
                "GITHUB_OUTPUT": str(outputs),
                **variables,
            },
            capture_output=True,
            text=True,
            check=True,
        )
        return notes.read_text(), outputs.read_text().splitlines(), done.stdout

    return run


def test_an_image_is_pushed_in_lower_case_with_its_contents(push):
    commands, outputs, printed = push()
    assert "--tag ghcr.io/owner/reviewlens:1.2.0" in commands
    assert "--sbom=true --provenance=mode=max" in commands
    assert "cosign" not in commands
    assert "imagetools" not in commands
    assert printed == f"ghcr.io/owner/reviewlens@{DIGEST}\n"
    assert outputs == ["name=ghcr.io/owner/reviewlens", f"digest={DIGEST}"]


def test_the_digest_is_signed_wherever_it_was_pushed(push):
    commands, _, printed = push(SIGN="yes", **HUB)
    copy = "docker.io/somebody/reviewlens"
    image = f"ghcr.io/owner/reviewlens@{DIGEST}"
    assert f"imagetools create --tag {copy}:1.2.0 {image}\n" in commands
    assert commands.endswith(f"cosign sign --yes {image} {copy}@{DIGEST}\n")
    assert printed == f"{image}\n"
    assert HUB["DOCKER_PASSWORD"] not in commands


def test_without_docker_hub_only_the_first_registry_is_signed(push):
    assert push(SIGN="yes")[0].endswith(f"cosign sign --yes ghcr.io/owner/reviewlens@{DIGEST}\n")
