"""Write requirements/*.txt: every package of .venv with the SHA-256 of its files.

    .venv/bin/python scripts/release/lock_environments.py

Versions come from constraints.txt and packages from the extras of pyproject.toml. A file serves all
systems and every Python from 3.11 on. Needs the network, and uv (extra ``dev``).
"""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENTS = {
    "local": ("local",),
    "page": ("local", "frontend", "observe"),
    "dev": ("local", "frontend", "observe", "mcp", "infra", "dev"),
}
"""File of requirements/ → the extras whose packages it has."""
PYTHON = "3.11"
NOT_LOCKED = "pip"
"""Installs the file; pip-audit accepts any version of it."""
HEAD = (
    "# Written by scripts/release/lock_environments.py from pyproject.toml and constraints.txt.\n"
)


def main() -> int:
    """Write the files; returns the exit status."""
    for name, extras in ENVIRONMENTS.items():
        path = ROOT / "requirements" / f"{name}.txt"
        path.parent.mkdir(exist_ok=True)
        path.write_text(HEAD + resolve(extras), "utf-8")
        print(path.relative_to(ROOT))
    return 0


def resolve(extras: tuple[str, ...]) -> str:
    """The requirements of some extras with their hashes."""
    uv = Path(sys.executable).with_name("uv")
    command = [
        *(str(uv), "pip", "compile", "--quiet", "--universal", "--python-version", PYTHON),
        *("--generate-hashes", "--no-emit-index-url", "--no-annotate", "--no-header"),
        *("--no-emit-package", NOT_LOCKED, "--constraint", "constraints.txt"),
        *(part for extra in extras for part in ("--extra", extra)),
        "pyproject.toml",
    ]
    run = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
    return run.stdout


if __name__ == "__main__":
    sys.exit(main())
