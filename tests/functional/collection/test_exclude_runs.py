"""A reviewer is excluded while a long dump is read in several runs."""

import logging

from lambdas.collection.arrivals import parse_arrivals
from lambdas.collection.exclude import requests, worker
from lambdas.collection.messages import own_message
from shared.schemas.exclusions import ExclusionStatus

ROWS, BATCH_ROWS = 6_000, 250


def stored(world, rows, arrival):
    report = world.report(arrival)
    counts = (report.rows_read, report.stored, report.duplicates, report.rejects_by_reason)
    reviews = rows("SELECT review_id, record, text FROM reviews ORDER BY 1")
    rejects = rows("SELECT record, reason, raw FROM rejects ORDER BY record")
    return counts, reviews, rejects


def work(world):
    """Deliver the messages of the queue; returns whether there was one."""
    bodies = world.dependencies.collection_queue.take()
    for body in bodies:
        if removal := own_message(body):
            worker.remove_excluded(world.dependencies, removal.exclusion_id)
        else:
            for arrival in parse_arrivals(body):
                world.collector.collect(arrival)
    return bool(bodies)


def test_a_long_dump_goes_on_at_its_checkpoint(
    world, rows, empty_tables, make_review, make_dump, caplog
):
    body = make_dump(
        make_review(n % 5_500, text="" if n % 97 == 5 else f"Text {n % 5_500}.")
        for n in range(ROWS)
    )
    once = world.replace(batch_rows=BATCH_ROWS)
    requests.exclude_reviewer(once.dependencies, "U3")
    arrival = once.put("uploads/a.jsonl", body)
    once.collector.collect(arrival)
    expected = stored(once, rows, arrival)
    assert expected[0][3]["excluded"] == 2
    once.dependencies.collection_queue.take()
    empty_tables()

    caplog.set_level(logging.DEBUG, "lambdas.collection")
    short = once.replace(max_run_seconds=0.0)
    short.collector.collect(arrival)
    assert work(short)
    exclusion = requests.exclude_reviewer(short.dependencies, "U3")
    while work(short):
        pass
    read = sum(each.rows for each in caplog.records if each.message == "batch read")
    assert ROWS <= read <= ROWS * 1.05
    assert stored(short, rows, arrival) == expected
    removed = requests.require_exclusion(short.dependencies, exclusion.exclusion_id)
    assert (removed.status, removed.receipt.removed.rows) == (ExclusionStatus.REMOVED, 1)
    assert [each.key for each in removed.receipt.uploads] == ["uploads/a.jsonl"]
