"""Pin the base images of our Dockerfiles to what their tags mean now.

    python scripts/release/pin_base_images.py [--check]

Asks the registry for the digest of each tag (an index of all platforms) and writes it into
cdk/base_images.json. With --check it writes nothing and fails where a pin is missing or old.
"""

import argparse
import json
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from urllib.error import URLError
from urllib.request import Request, urlopen

BASE_IMAGES = Path(__file__).resolve().parents[2] / "cdk" / "base_images.json"
_ACCEPT = (
    "application/vnd.oci.image.index.v1+json,"
    " application/vnd.docker.distribution.manifest.list.v2+json"
)
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_SECONDS = 20


def main(arguments: Sequence[str] | None = None, path: Path = BASE_IMAGES) -> int:
    """Pin or check; returns the exit status: 1 for a stale pin, 2 where a registry is silent."""
    parser = argparse.ArgumentParser(description="Pin the base images by digest.")
    parser.add_argument("--check", action="store_true", help="write nothing, fail on a stale pin")
    parser.add_argument("--scheme", default="https", help="http for a registry on this machine")
    options = parser.parse_args(arguments)
    images = json.loads(path.read_text())
    try:
        found = {name: digest_of(entry["image"], options.scheme) for name, entry in images.items()}
    except (URLError, ValueError) as error:
        print(f"the registry does not say: {error}", file=sys.stderr)
        return 2
    stale = [name for name, digest in found.items() if images[name]["digest"] != digest]
    for name in stale:
        print(f"{name}: {images[name]['image']} is {found[name]}")
    if options.check:
        return 1 if stale else 0
    pinned = {name: {**entry, "digest": found[name]} for name, entry in images.items()}
    path.write_text(json.dumps(pinned, indent=2) + "\n")
    return 0


def digest_of(image: str, scheme: str = "https") -> str:
    """What a registry says that ``host/repository:tag`` is.

    Raises:
        URLError: it cannot be reached, or has no such image.
        ValueError: it answers something else than a digest.
    """
    host, _, rest = image.partition("/")
    repository, _, tag = rest.rpartition(":")
    url = f"{scheme}://{host}/v2/{repository}/manifests/{tag}"
    headers = {"Accept": _ACCEPT, "Authorization": f"Bearer {_token(scheme, host, repository)}"}
    request = Request(url, headers=headers, method="HEAD")
    with urlopen(request, timeout=_SECONDS) as answer:
        digest = str(answer.headers.get("Docker-Content-Digest"))
    if not _DIGEST.fullmatch(digest):
        raise ValueError(f"{url} has no digest: {digest}")
    return digest


def _token(scheme: str, host: str, repository: str) -> str:
    """Amazon ECR Public gives anybody a token to read with."""
    url = f"{scheme}://{host}/token/?service={host}&scope=repository:{repository}:pull"
    with urlopen(url, timeout=_SECONDS) as answer:
        return str(json.load(answer)["token"])


if __name__ == "__main__":
    sys.exit(main())
