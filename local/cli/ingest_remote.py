"""Ingests over an API: signed uploads, followed until their reviews are processed."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from local.cli.connection import open_api
from local.cli.following import StallDetector, follow, upload_bar
from local.dumps import Upload, plan_uploads
from local.errors import LocalStackError
from reviewlens import Client, UploadError
from reviewlens.models import IngestReport

_STALL_SECONDS = 900.0
"""An API on AWS may start functions, or work on other dumps first."""


def ingest_over_api(
    api_url: str,
    state: Path,
    sources: Sequence[str],
    *,
    mapping: Mapping[str, str] | None,
    wait: bool,
) -> tuple[list[str], list[IngestReport]]:
    """Upload files and folders.

    Returns:
        The keys of the uploads, and the reports of their ingests if ``wait`` is set.

    Raises:
        LocalStackError: a source is not a file, or the API refuses it.
    """
    if any(source.startswith("s3://") for source in sources):
        raise LocalStackError("s3:// objects work only with a stack on this machine.", exit_code=2)
    plan = plan_uploads([Path(source) for source in sources], mapping=mapping)
    with open_api(state, api_url) as client:
        keys = [_send(client, upload) for upload in plan]
        if not wait:
            return keys, []
        lookups = {key: _lookup(client, key) for key in keys}
        return keys, follow(lookups, StallDetector(_STALL_SECONDS, lambda: False))


def _send(client: Client, upload: Upload) -> str:
    sent = 0

    def advance(total: int) -> None:
        nonlocal sent
        bar(total - sent)
        sent = total

    with upload_bar(upload.path.name, upload.size) as bar:
        try:
            return client.upload(upload.path, mapping=_columns(upload), progress=advance)
        except UploadError as error:
            message = f"{upload.path} could not be uploaded: {error.message}"
            raise LocalStackError(message) from error


def _columns(upload: Upload) -> dict[str, str] | None:
    if upload.mapping is None:
        return None
    try:
        columns = json.loads(upload.mapping)
    except ValueError as error:
        message = f"The mapping next to {upload.path} is not JSON."
        raise LocalStackError(message, exit_code=2) from error
    if not isinstance(columns, dict):
        message = f"The mapping next to {upload.path} is not a JSON object."
        raise LocalStackError(message, exit_code=2)
    return columns


def _lookup(client: Client, key: str) -> Callable[[], IngestReport | None]:
    return lambda: next(iter(client.ingests(key=key, limit=1).ingests), None)
