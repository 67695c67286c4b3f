"""Ingests into the stack on this machine: straight into its bucket, then on to its index."""

import json
import time
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from datetime import datetime
from functools import partial
from pathlib import Path

from local.cli.following import STALL_SECONDS, StallDetector, failure_times, follow, upload_bar
from local.cli.output import is_interactive, notes
from local.dumps import Upload, plan_uploads
from local.errors import LocalStackError
from local.stack.client import StackClient, connected
from local.stack.uploads import copy_into_raw, send
from local.state import StateFolder
from reviewlens.models import IngestReport

_POLL_SECONDS = 0.25


def ingest_sources(
    state: Path,
    sources: Sequence[str],
    *,
    mapping: Mapping[str, str] | None,
    prefix: str,
    wait: bool,
) -> tuple[dict[str, str], list[IngestReport]]:
    """Ingest files, folders and objects of the stack's S3.

    Returns:
        The key of each ingest by id, and the reports if ``wait`` is set.

    Raises:
        LocalStackError: a source cannot be read, or the stack stalls.
    """
    uris = [source for source in sources if source.startswith("s3://")]
    paths = [Path(source) for source in sources if not source.startswith("s3://")]
    if uris and prefix:
        message = "--prefix works only with files; s3:// objects stay in their folder."
        raise LocalStackError(message, exit_code=2)
    with connected(StateFolder(state)) as client:
        failed_before = failure_times(client.api)
        plan = plan_uploads(paths, prefix=prefix, mapping=mapping) if paths else []
        ids: dict[str, str] = {}
        for uri in uris:
            ids |= copy_into_raw(client.s3, uri)
        if uris and mapping:
            for key in ids.values():
                client.api.collect(key=key, mapping=mapping)
        elif uris:
            client.api.collect()
        ids |= _send_files(client, plan)
        return ids, _follow(client, ids, failed_before) if wait else []


def ingest_files(client: StackClient, plan: Sequence[Upload]) -> list[IngestReport]:
    """Upload files and wait until their reviews can be searched.

    Raises:
        LocalStackError: a file cannot be uploaded, or the stack stalls.
    """
    failed_before = failure_times(client.api)
    return _follow(client, _send_files(client, plan), failed_before)


def _send_files(client: StackClient, plan: Sequence[Upload]) -> dict[str, str]:
    """Upload files one at a time; returns the key of each ingest, by id."""
    ids: dict[str, str] = {}
    for upload in plan:
        with upload_bar(upload.path.name, upload.size) as progress:
            ingest_id = send(client.s3, upload, progress)
        ids[ingest_id] = upload.key
        _correct_mapping(client, ingest_id, upload)
    return ids


def _correct_mapping(client: StackClient, ingest_id: str, upload: Upload) -> None:
    """Request another reading of a file that was ingested before with another mapping."""
    report = client.report(ingest_id)
    if upload.mapping is None or report is None or not report.status.is_processed:
        return
    try:
        mapping = json.loads(upload.mapping)
    except ValueError:
        return  # the ingest reports it
    if report.details.get("mapping", mapping) != mapping:
        client.api.collect(key=upload.key, mapping=mapping)


def _follow(
    client: StackClient, ids: Mapping[str, str], failed_before: Mapping[str, datetime]
) -> list[IngestReport]:
    lookups = {key: partial(client.report, ingest_id) for ingest_id, key in ids.items()}
    reports = follow(lookups, StallDetector(STALL_SECONDS, client.has_work), failed_before)
    _wait_for_index(
        client, {report.ingest_id: report.shards - report.shards_failed for report in reports}
    )
    return reports


def _wait_for_index(client: StackClient, shards: Mapping[str, int]) -> None:
    stall = StallDetector(STALL_SECONDS, client.has_work)
    with notes().status("  index") if is_interactive() else nullcontext():
        while not client.indexed(shards):
            stall.check("there is no index with these reviews")
            time.sleep(_POLL_SECONDS)
