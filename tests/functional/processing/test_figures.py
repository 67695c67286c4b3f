"""Processing a shard refreshes the figures of insights."""

import logging

import pytest

from lambdas.processing import service
from lambdas.processing.service import Processor
from shared.db.insights.drift import DriftQueries
from shared.db.insights.rollups import is_behind
from shared.errors import UnavailableError

TOTALS = "SELECT sum(reviews), sum(negative + neutral + positive) FROM product_totals"


def test_a_processed_shard_is_counted_in_the_figures(dependencies, collect, rows):
    _, messages = collect(shards=2, rows=5)
    Processor(dependencies).process(messages[0])
    # stored reviews are counted before they are analysed
    assert rows(TOTALS) == [(10, 5)]
    Processor(dependencies).process(messages[1])
    assert rows(TOTALS) == [(10, 10)]
    assert not is_behind(dependencies.database)
    assert DriftQueries(dependencies.database).current().version == "m1"


def test_a_redelivered_message_refreshes_figures_that_a_dead_worker_left_outdated(
    dependencies, collect, rows, monkeypatch
):
    _, (message,) = collect(shards=1, rows=5)
    with monkeypatch.context() as patch:
        patch.setattr(
            service.rollups, "refresh", lambda *_, **__: True
        )  # the worker dies before the refresh
        Processor(dependencies).process(message)
    assert is_behind(dependencies.database)
    Processor(dependencies).process(message)
    assert rows(TOTALS) == [(5, 5)]
    assert not is_behind(dependencies.database)


@pytest.mark.parametrize(
    ("error", "level"), [(UnavailableError("down"), "WARNING"), (RuntimeError("bug"), "ERROR")]
)
def test_a_failed_refresh_does_not_fail_the_shard(
    dependencies, collect, ledger, monkeypatch, caplog, error, level
):
    ingest_id, (message,) = collect(shards=1, rows=5)

    def fail(*_, **__):
        raise error

    monkeypatch.setattr(service.rollups, "refresh", fail)
    with caplog.at_level(logging.INFO):
        Processor(dependencies).process(message)
    assert ledger.shard(ingest_id, 0).processed
    assert level in {r.levelname for r in caplog.records if "figures" in r.message}
