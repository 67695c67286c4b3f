"""Pin the base images of our Dockerfiles to the current digests of their tags.

    python scripts/release/pin_base_images.py [--check]

Gets the digest of each tag (an index of all platforms) from the registry and writes it to
cdk/base_images.json, and to deploy/Dockerfile and docker-compose.yml, whose image has the base of
jobs. With --check it writes nothing and fails if a pin is missing or outdated.
"""

import argparse
import json
import re
import sys
from collections.abc import Sequence
from http.client import HTTPException
from pathlib import Path
from urllib.request import Request, urlopen

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from cdk.paths import ROOT

BASE_IMAGES = ROOT / "cdk" / "base_images.json"
COPIES = (ROOT / "deploy" / "Dockerfile", ROOT / "docker-compose.yml")
"""Files that name a base image with its digest, by its name on Docker Hub."""
_ACCEPT = (
    "application/vnd.oci.image.index.v1+json,"
    " application/vnd.docker.distribution.manifest.list.v2+json"
)
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_TIMEOUT_SECONDS = 20


def main(
    arguments: Sequence[str] | None = None,
    path: Path = BASE_IMAGES,
    copies: Sequence[Path] = COPIES,
) -> int:
    """Pin or check; returns the exit status: 1 for an outdated pin, 2 without a digest."""
    parser = argparse.ArgumentParser(description="Pin the base images by digest.")
    parser.add_argument(
        "--check", action="store_true", help="write nothing, fail on an outdated pin"
    )
    parser.add_argument("--scheme", default="https", help="http for a local registry")
    options = parser.parse_args(arguments)
    images = json.loads(path.read_text())
    try:
        digests = {
            name: fetch_digest(entry["image"], options.scheme) for name, entry in images.items()
        }
    # OSError includes URLError, and what a broken connection raises once a request was sent
    except (OSError, HTTPException, ValueError) as error:
        print(f"cannot get a digest from the registry: {error}", file=sys.stderr)
        return 2
    outdated = [name for name, digest in digests.items() if images[name]["digest"] != digest]
    for name in outdated:
        print(f"{name}: {images[name]['image']} is {digests[name]}")
    if options.check:
        return 1 if outdated else 0
    pinned = {name: {**entry, "digest": digests[name]} for name, entry in images.items()}
    path.write_text(json.dumps(pinned, indent=2) + "\n")
    for copy in copies:
        text = copy.read_text()
        for entry in pinned.values():
            text = _replace_digest(text, entry["image"], entry["digest"])
        copy.write_text(text)
    return 0


def _replace_digest(text: str, image: str, digest: str) -> str:
    """The text with another digest wherever it pins this name and tag, whatever the registry."""
    name = image.rpartition("/")[2]
    return re.sub(rf"(?<![\w./-]){re.escape(name)}@{_DIGEST.pattern}", f"{name}@{digest}", text)


def fetch_digest(image: str, scheme: str = "https") -> str:
    """The digest of ``host/repository:tag`` in its registry.

    Raises:
        OSError: the registry cannot be reached, or has no such image.
        ValueError: the response contains no token or no digest.
    """
    host, _, rest = image.partition("/")
    repository, _, tag = rest.rpartition(":")
    url = f"{scheme}://{host}/v2/{repository}/manifests/{tag}"
    token = _fetch_token(scheme, host, repository)
    headers = {"Accept": _ACCEPT, "Authorization": f"Bearer {token}"}
    request = Request(url, headers=headers, method="HEAD")
    with urlopen(request, timeout=_TIMEOUT_SECONDS) as response:
        digest = str(response.headers.get("Docker-Content-Digest"))
    if not _DIGEST.fullmatch(digest):
        raise ValueError(f"{url} has no digest: {digest}")
    return digest


def _fetch_token(scheme: str, host: str, repository: str) -> str:
    """A read token, which Amazon ECR Public issues without authentication.

    Raises:
        OSError: the registry cannot be reached.
        ValueError: the response contains no token.
    """
    url = f"{scheme}://{host}/token/?service={host}&scope=repository:{repository}:pull"
    with urlopen(url, timeout=_TIMEOUT_SECONDS) as response:
        answer = json.load(response)
    if not isinstance(answer, dict) or "token" not in answer:
        raise ValueError(f"{url} has no token")
    return str(answer["token"])


if __name__ == "__main__":
    sys.exit(main())
