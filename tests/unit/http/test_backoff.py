"""Failed messages are delivered again after a delay that doubles with every attempt."""

import json
from pathlib import Path

import pytest

from shared.http.backoff import FIRST_DELAY_SECONDS, MAX_DELAY_SECONDS, retry_delay
from shared.http.batches import run_batch, sqs_records
from shared.schemas.messages import MAX_RECEIVES

EVENT = json.loads(
    (Path(__file__).resolve().parents[2] / "events" / "sqs_build_index.json").read_text()
)


def longest(attempts):
    return retry_delay(attempts, 1.0)


def test_the_delay_doubles_up_to_a_limit():
    assert [longest(attempts) for attempts in (1, 2, 3, 4)] == [5, 10, 20, 40]
    assert longest(1) == FIRST_DELAY_SECONDS
    assert longest(9) == longest(10_000) == MAX_DELAY_SECONDS


@pytest.mark.parametrize("attempts", [0, 1, 5, 30])
def test_the_jitter_takes_up_to_half_of_the_delay(attempts):
    delays = [retry_delay(attempts, jitter) for jitter in (0.0, 0.25, 0.5, 1.0)]
    assert delays == sorted(delays)
    assert delays[0] >= longest(attempts) // 2
    assert len(set(delays)) > 1


def test_a_blip_of_five_seconds_costs_less_than_a_minute():
    # it ends during the first two attempts, or before the third one
    assert longest(1) + longest(2) + 5 < 60


def test_a_message_is_tried_for_longer_than_the_longest_attempt():
    """A message whose shard another worker holds waits for it and is not given up."""
    shortest = sum(retry_delay(attempts, 0.0) for attempts in range(1, MAX_RECEIVES))
    assert shortest > 900


def test_only_the_failed_messages_of_a_batch_are_delayed():
    delayed = []
    records = sqs_records(EVENT)
    run_batch(records, lambda batch: [batch[1].messageId], delayed.extend)
    assert delayed == [records[1]]
    assert delayed[0].receipt_handle == EVENT["Records"][1]["receiptHandle"]
    assert delayed[0].queue_arn == EVENT["Records"][1]["eventSourceARN"]


def test_nothing_is_delayed_if_nothing_failed():
    delayed = []
    assert run_batch(sqs_records(EVENT), lambda _batch: [], delayed.append) == {
        "batchItemFailures": []
    }
    assert delayed == []


def test_all_messages_are_delayed_if_the_batch_raises():
    delayed, records = [], sqs_records(EVENT)

    def fail(_records):
        raise ValueError("no settings")

    with pytest.raises(ValueError, match="no settings"):
        run_batch(records, fail, delayed.extend)
    assert delayed == records


def test_the_number_of_attempts_is_that_of_the_event():
    event = json.loads(json.dumps(EVENT))
    event["Records"][0]["attributes"]["ApproximateReceiveCount"] = "7"
    assert [record.attempts for record in sqs_records(event)] == [7, 1]
