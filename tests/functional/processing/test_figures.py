"""Whoever processes a shard leaves the figures of insights up to date."""

import logging

import pytest

from lambdas.processing import service
from lambdas.processing.service import Processor
from shared.db.insights.drift import Drift
from shared.db.insights.rollups import is_behind
from shared.errors import UnavailableError

TOTALS = "SELECT sum(reviews), sum(negative + neutral + positive) FROM product_totals"


def test_a_processed_shard_is_in_the_figures(ports, collect, rows):
    _, messages = collect(shards=2, rows=5)
    Processor(ports).process(messages[0])
    # what is stored counts already, also what nobody has analysed yet
    assert rows(TOTALS) == [(10, 5)]
    Processor(ports).process(messages[1])
    assert rows(TOTALS) == [(10, 10)]
    assert not is_behind(ports.database)
    assert Drift(ports.database).current().version == "m1"


def test_what_a_worker_left_behind_that_died_after_its_commit_is_mended_by_the_same_message(
    ports, collect, rows, monkeypatch
):
    _, (message,) = collect(shards=1, rows=5)
    with monkeypatch.context() as patch:
        patch.setattr(service.rollups, "refresh", lambda *_, **__: True)  # it does not come to that
        Processor(ports).process(message)
    assert is_behind(ports.database)
    Processor(ports).process(message)
    assert rows(TOTALS) == [(5, 5)]
    assert not is_behind(ports.database)


@pytest.mark.parametrize(
    ("error", "level"), [(UnavailableError("gone"), "WARNING"), (RuntimeError("bug"), "ERROR")]
)
def test_figures_that_cannot_be_brought_up_to_date_do_not_undo_the_shard(
    ports, collect, ledger, monkeypatch, caplog, error, level
):
    ingest_id, (message,) = collect(shards=1, rows=5)

    def fail(*_, **__):
        raise error

    monkeypatch.setattr(service.rollups, "refresh", fail)
    with caplog.at_level(logging.INFO):
        Processor(ports).process(message)
    assert ledger.shard(ingest_id, 0).processed
    assert level in {r.levelname for r in caplog.records if "figures" in r.message}
