"""Upload the folder of the Space to Hugging Face; scripts/space/deploy_to_hf.sh calls it.

    python scripts/space/upload_space.py FOLDER --repo USER/NAME [--private]

The token is read from HF_TOKEN, sent to the hub and never printed. Files of the Space that are not
in the folder are removed, so the Space contains exactly the files that the dry run listed.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

_HUB_FILE = ".gitattributes"
"""Created by the hub to list the large files; never deleted."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Upload; returns the exit status."""
    parser = argparse.ArgumentParser(description="Upload the folder of the Space.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--repo", required=True, metavar="USER/NAME")
    parser.add_argument("--private", action="store_true")
    options = parser.parse_args(arguments)
    token = os.environ.get("HF_TOKEN", "")
    if not token:
        print("HF_TOKEN is not set: a token with write access is required.", file=sys.stderr)
        return 2
    try:
        print(upload(options.folder, options.repo, token, private=options.private))
    except Exception as error:  # noqa: BLE001 - any error of the hub, but without the token
        message = f"{type(error).__name__}: {error}".replace(token, "…")
        print(f"The upload failed. {message}", file=sys.stderr)
        return 1
    return 0


def upload(folder: Path, repo: str, token: str, *, private: bool) -> str:
    """Create the Space if it does not exist, upload the folder, and return the address."""
    from huggingface_hub import HfApi

    hub = HfApi(token=token)
    space = hub.create_repo(
        repo, repo_type="space", space_sdk="gradio", private=private, exist_ok=True
    )
    local_files = {path.relative_to(folder).as_posix() for path in folder.rglob("*")}
    space_files = set(hub.list_repo_files(repo, repo_type="space"))
    hub.upload_folder(
        repo_id=repo,
        repo_type="space",
        folder_path=folder,
        commit_message="Reviewlens",
        delete_patterns=sorted(space_files - local_files - {_HUB_FILE}) or None,
    )
    return str(space)


if __name__ == "__main__":
    sys.exit(main())
