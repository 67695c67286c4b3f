"""A model becomes current with an index of its own embeddings, and no review is lost on the way."""

from datetime import UTC, datetime

import pytest

from sagemaker_jobs.activate import activation
from sagemaker_jobs.activate.activation import activate, rollback
from sagemaker_jobs.gate.errors import GateError
from sagemaker_jobs.score.job import score_missing, unscored_shards
from shared.errors import ConflictError, NotFoundError, UnavailableError
from shared.index.build import build_index
from shared.schemas.gate import GateResult
from shared.storage import artefacts, registry


def passed(house, version, against="v1", *, yes=True):
    reasons = [] if yes else ["overall test: accuracy 0.9 → 0.8"]
    registry.put_verdict(
        house.artefacts,
        GateResult(
            candidate=version,
            against=against,
            passed=yes,
            reasons=reasons,
            level=0.05,
            judged_at=datetime.now(UTC),
        ),
    )


def shown(rows):
    """Which model's word insights take of each review."""
    return dict(
        rows(
            "SELECT DISTINCT ON (review_id) review_id, model_version FROM analyses"
            " ORDER BY review_id, analysed_at DESC, model_version DESC"
        )
    )


def test_every_review_is_scored_and_indexed_before_anything_moves(house, rows):
    passed(house, "v2")
    encoder = house.open_model("v2")
    seen = []
    encoder.before = lambda: seen.append((house.current(), set(shown(rows).values())))
    done = activate(house, "v2")
    assert set(map(str, seen)) == {str((("v1", "v1", 8), {"v1"}))}
    assert house.current() == ("v2", "v2", 8)
    assert (done.replaced, done.reviews_scored, done.shards_left) == ("v1", 8, 0)
    assert set(shown(rows).values()) == {"v2"}
    assert rows("SELECT DISTINCT model_version FROM shards") == [("v2",)]
    # so the sweep finds nothing to do
    assert house.ledger.reopen("v2", 0.0) == []
    assert house.processing_queue.take() == []


def test_the_figures_of_insights_follow_the_model(house, rows):
    passed(house, "v2")
    counted = "SELECT model_version, count(*) FROM review_facts GROUP BY 1"
    at_work = "SELECT model_version FROM insight_models ORDER BY noted_at DESC LIMIT 1"
    assert rows(counted) == [("v1", 8)]
    activate(house, "v2")
    assert (rows(counted), rows(at_work)) == ([("v2", 8)], [("v2",)])
    rollback(house)
    assert (rows(counted), rows(at_work)) == ([("v1", 8)], [("v1",)])


def test_without_a_passed_gate_nothing_happens_unless_forced(house):
    with pytest.raises(GateError, match="has no evaluation"):
        activate(house, "v2")
    passed(house, "v2", yes=False)
    with pytest.raises(GateError, match=r"accuracy 0\.9"):
        activate(house, "v2")
    # a verdict against a model that is no longer current says nothing
    passed(house, "v2", against="v0")
    with pytest.raises(GateError):
        activate(house, "v2")
    assert house.current() == ("v1", "v1", 8)
    assert unscored_shards(house, "v2")
    activate(house, "v2", force=True)
    assert house.current() == ("v2", "v2", 8)
    assert registry.history(house.artefacts)[-1].forced


def test_of_two_activations_one_wins_and_the_other_is_told(house):
    passed(house, "v2")
    passed(house, "v3")

    def overtake(step):
        if step == "index":
            activate(house, "v3")

    with pytest.raises(ConflictError, match="model v3 became current meanwhile: v2 was not"):
        activate(house, "v2", tell=overtake)
    assert house.current() == ("v3", "v3", 8)
    assert [line.version for line in registry.history(house.artefacts)] == ["v1", "v3"]


@pytest.mark.parametrize("going", ["forth", "back"])
def test_who_is_overtaken_between_the_two_pointers_leaves_the_pair_of_the_winner(
    house, monkeypatch, going
):
    if going == "back":
        activate(house, "v2", force=True)
    name = "note_activation" if going == "forth" else "note_rollback"
    note, overtaken = getattr(registry, name), []

    def overtake(*arguments, **conditions):
        note(*arguments, **conditions)
        if not overtaken:
            overtaken.append(1)
            # a build makes our move of the index pointer fail, then another activation wins
            build_index(house.artefacts, force=True)
            activate(house, "v3", force=True)

    monkeypatch.setattr(registry, name, overtake)
    with pytest.raises(ConflictError, match="model v3 became current meanwhile"):
        activate(house, "v2", force=True) if going == "forth" else rollback(house)
    assert house.current() == ("v3", "v3", 8)


def test_reviews_that_come_while_it_scores_are_in_the_new_index(house):
    encoder, calls = house.open_model("v2"), []

    def arrive():
        if not calls:
            calls.append(1)
            house.process(house.collect("second", shards=1))
            build_index(house.artefacts)

    encoder.before = arrive
    activate(house, "v2", force=True)
    assert house.current() == ("v2", "v2", 12)


def test_reviews_that_the_old_model_still_has_in_hand_are_done_again(house, monkeypatch):
    adopt, late = activation.adopt, []

    def then_one_more(connection, version):
        done = adopt(connection, version)
        if not late:
            late.append(1)
            # a worker that has not heard of the new model yet
            house.process(house.collect("late", shards=1), version="v1")
        return done

    monkeypatch.setattr(activation, "adopt", then_one_more)
    done = activate(house, "v2", force=True, wait_seconds=0.0)
    assert done.shards_left == 1
    assert house.current() == ("v2", "v2", 8)
    assert house.work_off().count == 12
    assert house.current() == ("v2", "v2", 12)


def test_open_shards_wait_for_the_new_model(house):
    messages = house.collect("open", shards=1)
    assert activate(house, "v2", force=True, wait_seconds=0.0).shards_left == 1
    house.process(messages)
    assert build_index(house.artefacts).count == 12
    assert house.current() == ("v2", "v2", 12)


@pytest.mark.parametrize("stop", ["note_activation", "move_index"])
def test_an_activation_that_was_killed_goes_on_when_it_is_asked_again(house, monkeypatch, stop):
    class Killed(BaseException):
        pass

    def kill(*_arguments, **_conditions):
        raise Killed

    with monkeypatch.context() as patched:
        if stop == "note_activation":
            patched.setattr(activation.registry, stop, kill)
        else:
            patched.setattr(activation, "_take_index", kill)
        with pytest.raises(Killed):
            activate(house, "v2", force=True)
    # the index decides what serves: still the old pair
    assert house.current() == ("v2", "v1", 8)
    done = activate(house, "v2")
    assert done.reviews_scored == 0
    assert house.current() == ("v2", "v2", 8)
    assert rollback(house).version == "v1"


def test_a_build_of_the_old_model_that_ends_late_does_not_win(house, monkeypatch):
    take, late = activation._take_index, []

    def overtaken(*arguments):
        if not late:
            late.append(1)
            pointer = artefacts.current(house.artefacts, "index")
            from shared.index.build import publish_index

            built, _ = publish_index(house.artefacts, "v1")
            artefacts.move_pointer(
                house.artefacts, "index", built.manifest.version, if_match=pointer.etag
            )
        return take(*arguments)

    monkeypatch.setattr(activation, "_take_index", overtaken)
    activate(house, "v2", force=True)
    assert house.current() == ("v2", "v2", 8)


@pytest.mark.parametrize("when", ["before", "after"])
def test_an_index_that_its_build_drops_as_the_pointer_moves_is_built_again(
    house, monkeypatch, when
):
    move, dropped = artefacts.move_pointer, []

    def drops(store, kind, version, *, if_match):
        first = kind == "index" and not dropped
        if first:
            dropped.append(version)
        if first and when == "before":
            artefacts.discard(store, kind, version)
        etag = move(store, kind, version, if_match=if_match)
        if first:
            artefacts.discard(store, kind, version)
        return etag

    monkeypatch.setattr(activation.artefacts, "move_pointer", drops)
    activate(house, "v2", force=True)
    assert house.current() == ("v2", "v2", 8)
    assert artefacts.current(house.artefacts, "index").version not in dropped


def test_a_clean_shard_that_is_gone_stops_the_switch_unless_forced(house, monkeypatch):
    monkeypatch.setattr(activation, "_PATIENCE_SECONDS", 0.2)
    passed(house, "v2")
    house.clean.delete(next(house.clean.list("reviews/")).key)
    with pytest.raises(UnavailableError, match="cannot score now"):
        activate(house, "v2")
    assert house.current() == ("v1", "v1", 8)
    activate(house, "v2", force=True, wait_seconds=0.0)
    assert house.current() == ("v2", "v2", 4)


def test_rollback_returns_model_and_index_and_queues_what_came_since(house, rows):
    first = artefacts.current(house.artefacts, "index").version
    activate(house, "v2", force=True)
    house.process(house.collect("since", shards=1))
    build_index(house.artefacts)
    assert house.current() == ("v2", "v2", 12)
    done = rollback(house)
    assert (done.version, done.replaced, done.index_version) == ("v1", "v2", first)
    assert house.current() == ("v1", "v1", 8)
    assert set(shown(rows).values()) == {"v1", "v2"}
    # only what v1 never saw is embedded again
    assert done.shards_left == 1
    encoder = house.open_model("v1")
    encoder.calls.clear()
    assert house.work_off().count == 12
    assert encoder.calls == [4]
    assert house.current() == ("v1", "v1", 12)
    assert set(shown(rows).values()) == {"v1"}
    with pytest.raises(NotFoundError, match="no version before"):
        rollback(house)


def test_the_index_to_return_to_outlives_many_builds(house):
    activate(house, "v2", force=True)
    for number in range(6):
        house.process(house.collect(f"more-{number}", shards=1))
        assert build_index(house.artefacts).outcome == "published"
    assert len(artefacts.versions(house.artefacts, "index")) == 4
    rollback(house)
    assert house.current() == ("v1", "v1", 8)


def test_coming_back_to_a_version_scores_only_what_it_has_not_seen(house):
    activate(house, "v2", force=True)
    rollback(house)
    house.process(house.collect("since", shards=1))
    build_index(house.artefacts)
    done = activate(house, "v2", force=True)
    assert done.reviews_scored == 4
    assert house.current() == ("v2", "v2", 12)


def test_a_dump_that_is_read_anew_is_scored_anew(house):
    score_missing(house, house.open_model("v2"))
    assert unscored_shards(house, "v2") == []
    ingest_id = house.ledger.recent(1)[0].ingest_id
    # from its second shard on it is another text
    house.ledger.forget(ingest_id, 1, 5)
    message = house.store(ingest_id, "first", 1, 4, words="bad thing")
    assert unscored_shards(house, "v2") == [], "an open shard is processing's"
    house.process([message])
    assert [shard.part for shard in unscored_shards(house, "v2")] == [1]


def test_a_pair_that_was_deleted_is_written_again(house):
    score_missing(house, house.open_model("v2"))
    key = next(house.artefacts.list("embeddings/v2/")).key
    house.artefacts.delete(key)
    assert score_missing(house, house.open_model("v2")).shards == 1
    assert house.artefacts.head(key)


def test_an_empty_house_switches_the_model_alone(house):
    house.ledger.forget(house.ledger.recent(1)[0].ingest_id, 0, 1)
    for info in list(house.artefacts.list("embeddings/")):
        house.artefacts.delete(info.key)
    house.artefacts.delete("pointers/index.json")
    done = activate(house, "v2", force=True)
    assert (done.index_version, done.reviews_scored) == (None, 0)
    assert artefacts.current(house.artefacts, "model").version == "v2"


def test_an_unknown_version_is_named(house):
    with pytest.raises(NotFoundError, match="there is no model v9"):
        activate(house, "v9", force=True)
