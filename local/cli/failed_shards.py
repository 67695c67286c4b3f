"""What the commands say about shards that could not be processed."""

from collections.abc import Iterator

from reviewlens.models import IngestReport


def describe_failed(report: IngestReport) -> Iterator[str]:
    """A line for each failed shard of an ingest, as far as the report lists them."""
    for shard in report.failed_shards:
        yield (
            f"part {shard.part} with {shard.rows:,} reviews failed after {shard.attempts} attempts:"
            f" {shard.reason}"
        )
    if more := report.shards_failed - len(report.failed_shards):
        yield f"{more:,} more parts failed"
    if report.shards_failed:
        yield f"try again: reviewlens redrive {report.ingest_id}"
