"""A model becomes current with an index of its own embeddings, and no review is lost."""

from datetime import UTC, datetime

import pytest

from sagemaker_jobs.activate import activation, switch
from sagemaker_jobs.activate.activation import activate, rollback
from sagemaker_jobs.gate.errors import GateError
from sagemaker_jobs.score.scoring import score_missing
from shared.errors import ConflictError, NotFoundError, UnavailableError
from shared.index.build import build_index
from shared.schemas.gate import GateResult
from shared.scoring.stored import unscored_shards
from shared.storage import artefacts, registry


def put_verdict(system, version, against="v1", *, passed=True):
    reasons = [] if passed else ["overall test: accuracy 0.9 → 0.8"]
    registry.put_verdict(
        system.artefacts,
        GateResult(
            candidate=version,
            against=against,
            passed=passed,
            reasons=reasons,
            level=0.05,
            judged_at=datetime.now(UTC),
        ),
    )


def displayed_versions(rows):
    """Review → the model version whose analysis insights show."""
    return dict(
        rows(
            "SELECT DISTINCT ON (review_id) review_id, model_version FROM analyses"
            " ORDER BY review_id, analysed_at DESC, model_version DESC"
        )
    )


def test_every_review_is_scored_and_indexed_before_anything_moves(system, rows):
    put_verdict(system, "v2")
    encoder = system.open_model("v2")
    states = []
    encoder.before = lambda: states.append(
        (system.current(), set(displayed_versions(rows).values()))
    )
    report = activate(system, "v2")
    assert set(map(str, states)) == {str((("v1", "v1", 8), {"v1"}))}
    assert system.current() == ("v2", "v2", 8)
    assert (report.replaced, report.reviews_scored, report.shards_left) == ("v1", 8, 0)
    assert set(displayed_versions(rows).values()) == {"v2"}
    assert rows("SELECT DISTINCT model_version FROM shards") == [("v2",)]
    # the sweep finds nothing to do
    assert system.ledger.reopen("v2", 0.0) == []
    assert system.processing_queue.take() == []


def test_insights_follow_the_active_model(system, rows):
    put_verdict(system, "v2")
    counted = "SELECT model_version, count(*) FROM review_facts GROUP BY 1"
    active = "SELECT model_version FROM insight_models ORDER BY noted_at DESC LIMIT 1"
    assert rows(counted) == [("v1", 8)]
    activate(system, "v2")
    assert (rows(counted), rows(active)) == ([("v2", 8)], [("v2",)])
    rollback(system)
    assert (rows(counted), rows(active)) == ([("v1", 8)], [("v1",)])


def test_a_version_that_has_not_passed_the_gate_is_activated_only_by_force(system):
    with pytest.raises(GateError, match="has no evaluation"):
        activate(system, "v2")
    put_verdict(system, "v2", passed=False)
    with pytest.raises(GateError, match=r"accuracy 0\.9"):
        activate(system, "v2")
    # a verdict against a model that is not current does not count
    put_verdict(system, "v2", against="v0")
    with pytest.raises(GateError):
        activate(system, "v2")
    assert system.current() == ("v1", "v1", 8)
    assert unscored_shards(system.database, system.artefacts, "v2")
    activate(system, "v2", force=True)
    assert system.current() == ("v2", "v2", 8)
    assert registry.history(system.artefacts)[-1].forced


def test_one_of_two_concurrent_activations_wins_and_the_other_fails(system):
    put_verdict(system, "v2")
    put_verdict(system, "v3")

    def overtake(step):
        if step == "index":
            activate(system, "v3")

    with pytest.raises(ConflictError, match="model v3 became current first: v2 was not"):
        activate(system, "v2", on_step=overtake)
    assert system.current() == ("v3", "v3", 8)
    assert [line.version for line in registry.history(system.artefacts)] == ["v1", "v3"]


@pytest.mark.parametrize("direction", ["forward", "back"])
def test_an_activation_overtaken_between_the_two_pointers_leaves_the_winner_pair(
    system, monkeypatch, direction
):
    if direction == "back":
        activate(system, "v2", force=True)
    name = "record_activation" if direction == "forward" else "record_rollback"
    log_move, calls = getattr(registry, name), []

    def overtake(*arguments, **conditions):
        log_move(*arguments, **conditions)
        if not calls:
            calls.append(1)
            # a build makes our move of the index pointer fail, then another activation wins
            build_index(system.artefacts, force=True)
            activate(system, "v3", force=True)

    monkeypatch.setattr(registry, name, overtake)
    with pytest.raises(ConflictError, match="model v3 became current first"):
        activate(system, "v2", force=True) if direction == "forward" else rollback(system)
    assert system.current() == ("v3", "v3", 8)


def test_reviews_that_arrive_during_scoring_are_in_the_new_index(system):
    encoder, calls = system.open_model("v2"), []

    def arrive():
        if not calls:
            calls.append(1)
            system.process(system.collect("second", shards=1))
            build_index(system.artefacts)

    encoder.before = arrive
    activate(system, "v2", force=True)
    assert system.current() == ("v2", "v2", 12)


def test_reviews_that_the_old_model_still_processes_are_processed_again(system, monkeypatch):
    adopt, calls = activation.adopt_shards, []

    def adopt_before_a_late_shard(connection, version):
        adopted = adopt(connection, version)
        if not calls:
            calls.append(1)
            # a worker that still uses the old model
            system.process(system.collect("late", shards=1), version="v1")
        return adopted

    monkeypatch.setattr(activation, "adopt_shards", adopt_before_a_late_shard)
    report = activate(system, "v2", force=True, wait_seconds=0.0)
    assert report.shards_left == 1
    assert system.current() == ("v2", "v2", 8)
    assert system.process_queue().count == 12
    assert system.current() == ("v2", "v2", 12)


def test_open_shards_wait_for_the_new_model(system):
    messages = system.collect("open", shards=1)
    assert activate(system, "v2", force=True, wait_seconds=0.0).shards_left == 1
    system.process(messages)
    assert build_index(system.artefacts).count == 12
    assert system.current() == ("v2", "v2", 12)


@pytest.mark.parametrize("stop", ["record_activation", "move_index"])
def test_a_killed_activation_continues_at_the_next_call(system, monkeypatch, stop):
    class Killed(BaseException):
        pass

    def kill(*_arguments, **_conditions):
        raise Killed

    with monkeypatch.context() as patched:
        if stop == "record_activation":
            patched.setattr(registry, stop, kill)
        else:
            patched.setattr(switch, "_move_index_pointer", kill)
        with pytest.raises(Killed):
            activate(system, "v2", force=True)
    # the index pointer decides which pair serves: still the old one
    assert system.current() == ("v2", "v1", 8)
    report = activate(system, "v2")
    assert report.reviews_scored == 0
    assert system.current() == ("v2", "v2", 8)
    assert rollback(system).version == "v1"


def test_a_late_build_of_the_old_model_does_not_win(system, monkeypatch):
    move, calls = switch._move_index_pointer, []

    def move_after_a_build(*arguments):
        if not calls:
            calls.append(1)
            pointer = artefacts.current(system.artefacts, "index")
            from shared.index.build import publish_index

            built, _ = publish_index(system.artefacts, "v1")
            artefacts.move_pointer(
                system.artefacts, "index", built.manifest.version, if_match=pointer.etag
            )
        return move(*arguments)

    monkeypatch.setattr(switch, "_move_index_pointer", move_after_a_build)
    activate(system, "v2", force=True)
    assert system.current() == ("v2", "v2", 8)


@pytest.mark.parametrize("when", ["before", "after"])
def test_an_index_discarded_while_the_pointer_moves_is_built_again(system, monkeypatch, when):
    move, dropped = artefacts.move_pointer, []

    def move_and_discard(store, kind, version, *, if_match):
        first = kind == "index" and not dropped
        if first:
            dropped.append(version)
        if first and when == "before":
            artefacts.discard(store, kind, version)
        etag = move(store, kind, version, if_match=if_match)
        if first:
            artefacts.discard(store, kind, version)
        return etag

    monkeypatch.setattr(artefacts, "move_pointer", move_and_discard)
    activate(system, "v2", force=True)
    assert system.current() == ("v2", "v2", 8)
    assert artefacts.current(system.artefacts, "index").version not in dropped


def test_a_missing_clean_shard_stops_the_switch_unless_forced(system, monkeypatch):
    monkeypatch.setattr(switch, "_STALL_SECONDS", 0.2)
    put_verdict(system, "v2")
    system.clean.delete(next(system.clean.list("reviews/")).key)
    with pytest.raises(UnavailableError, match="cannot score some shards"):
        activate(system, "v2")
    assert system.current() == ("v1", "v1", 8)
    activate(system, "v2", force=True, wait_seconds=0.0)
    assert system.current() == ("v2", "v2", 4)


def test_rollback_restores_model_and_index_and_queues_newer_reviews(system, rows):
    first = artefacts.current(system.artefacts, "index").version
    activate(system, "v2", force=True)
    system.process(system.collect("since", shards=1))
    build_index(system.artefacts)
    assert system.current() == ("v2", "v2", 12)
    report = rollback(system)
    assert (report.version, report.replaced, report.index_version) == ("v1", "v2", first)
    assert system.current() == ("v1", "v1", 8)
    assert set(displayed_versions(rows).values()) == {"v1", "v2"}
    # only the reviews that v1 never scored are embedded
    assert report.shards_left == 1
    encoder = system.open_model("v1")
    encoder.calls.clear()
    assert system.process_queue().count == 12
    assert encoder.calls == [4]
    assert system.current() == ("v1", "v1", 12)
    assert set(displayed_versions(rows).values()) == {"v1"}
    with pytest.raises(NotFoundError, match="no version before"):
        rollback(system)


def test_the_index_of_the_previous_model_survives_many_builds(system):
    activate(system, "v2", force=True)
    for number in range(6):
        system.process(system.collect(f"more-{number}", shards=1))
        assert build_index(system.artefacts).outcome == "published"
    assert len(artefacts.versions(system.artefacts, "index")) == 4
    rollback(system)
    assert system.current() == ("v1", "v1", 8)


def test_activating_a_version_again_scores_only_newer_reviews(system):
    activate(system, "v2", force=True)
    rollback(system)
    system.process(system.collect("since", shards=1))
    build_index(system.artefacts)
    report = activate(system, "v2", force=True)
    assert report.reviews_scored == 4
    assert system.current() == ("v2", "v2", 12)


def test_a_dump_that_is_collected_again_is_scored_again(system):
    score_missing(system, system.open_model("v2"))
    assert unscored_shards(system.database, system.artefacts, "v2") == []
    ingest_id = system.ledger.recent(1)[0].ingest_id
    # its text differs from the second shard on
    system.ledger.delete_batches(ingest_id, 1, 5)
    message = system.store(ingest_id, "first", 1, 4, words="bad thing")
    assert unscored_shards(system.database, system.artefacts, "v2") == [], (
        "processing handles open shards"
    )
    system.process([message])
    (shard,) = unscored_shards(system.database, system.artefacts, "v2")
    assert shard.part == 1


@pytest.mark.parametrize(
    "removal", ["DELETE FROM shards", "UPDATE shards SET rows = rows + 1, accepted = accepted + 1"]
)
def test_scores_of_a_batch_that_changed_meanwhile_are_not_stored(system, removal):
    """Undoing an upload deletes its batches; excluding a reviewer changes their rows."""

    def remove():
        with system.database.transaction() as connection:
            connection.execute(removal)

    candidate = system.open_model("v2")
    candidate.before = remove
    report = score_missing(system, candidate)
    assert (report.shards, set(report.skipped.values())) == (
        0,
        {"it is being processed or was replaced"},
    )
    assert list(system.artefacts.list("embeddings/v2/")) == []


def test_a_deleted_pair_is_written_again(system):
    score_missing(system, system.open_model("v2"))
    key = next(system.artefacts.list("embeddings/v2/")).key
    system.artefacts.delete(key)
    assert score_missing(system, system.open_model("v2")).shards == 1
    assert system.artefacts.head(key)


def test_without_reviews_only_the_model_is_switched(system):
    system.ledger.delete_batches(system.ledger.recent(1)[0].ingest_id, 0, 1)
    for info in list(system.artefacts.list("embeddings/")):
        system.artefacts.delete(info.key)
    system.artefacts.delete("pointers/index.json")
    report = activate(system, "v2", force=True)
    assert (report.index_version, report.reviews_scored) == (None, 0)
    assert artefacts.current(system.artefacts, "model").version == "v2"


def test_an_unknown_version_is_named_in_the_error(system):
    with pytest.raises(NotFoundError, match="there is no model v9"):
        activate(system, "v9", force=True)
