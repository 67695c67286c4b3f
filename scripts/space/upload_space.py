"""Upload the folder of the Space to Hugging Face; scripts/space/deploy_to_hf.sh calls it.

    python scripts/space/upload_space.py FOLDER --repo USER/NAME [--private]

The token is taken from HF_TOKEN, sent to the hub, and shown nowhere. Files that the Space has and
the folder lacks are removed, so a Space is exactly what the dry run listed.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

_KEPT = ".gitattributes"
"""Made by the hub, which says in it what large files are."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Upload; returns the exit status."""
    parser = argparse.ArgumentParser(description="Upload the folder of the Space.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--repo", required=True, metavar="USER/NAME")
    parser.add_argument("--private", action="store_true")
    options = parser.parse_args(arguments)
    token = os.environ.get("HF_TOKEN", "")
    if not token:
        print("HF_TOKEN is not set: a token that may write is needed.", file=sys.stderr)
        return 2
    try:
        print(upload(options.folder, options.repo, token, private=options.private))
    except Exception as error:  # noqa: BLE001 - whatever the hub says, never with the token
        told = f"{type(error).__name__}: {error}".replace(token, "…")
        print(f"The upload failed. {told}", file=sys.stderr)
        return 1
    return 0


def upload(folder: Path, repo: str, token: str, *, private: bool) -> str:
    """Make the Space where there is none, upload, and return its address."""
    from huggingface_hub import HfApi

    hub = HfApi(token=token)
    made = hub.create_repo(
        repo, repo_type="space", space_sdk="gradio", private=private, exist_ok=True
    )
    present = {path.relative_to(folder).as_posix() for path in folder.rglob("*")}
    there = set(hub.list_repo_files(repo, repo_type="space"))
    hub.upload_folder(
        repo_id=repo,
        repo_type="space",
        folder_path=folder,
        commit_message="Reviewlens",
        delete_patterns=sorted(there - present - {_KEPT}) or None,
    )
    return str(made)


if __name__ == "__main__":
    sys.exit(main())
