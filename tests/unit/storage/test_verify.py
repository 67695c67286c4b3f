"""Damage to stored objects is found, and whole objects and unknown formats are not damaged."""

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.schemas.formats import PARQUET_KEY
from shared.schemas.manifest import Pointer
from shared.storage import artefacts, registry, verify
from shared.storage.layout import clean_shard, embedding_shard, pointer_key, version_prefix
from shared.storage.shard_schemas import CLEAN_SCHEMA
from shared.storage.shards import to_parquet
from tests.corpus import made_up_reviews, npy, put_shard, random_vectors
from tests.fakes.objects import MemoryStore
from tests.models import stub_model

KEY = clean_shard("ing", 0)
STEM = embedding_shard("m1", "ing", 0).removesuffix(".npy")


@pytest.fixture
def store():
    return MemoryStore()


@pytest.fixture
def shard(store):
    reviews = [{"review_id": f"r{n}", "record": n + 1, "source": "s", "text": "t"} for n in (0, 1)]
    store.put(KEY, to_parquet(pa.Table.from_pylist(reviews, schema=CLEAN_SCHEMA)))
    return store.get(KEY)[0]


@pytest.fixture
def pair(store):
    put_shard(store, "m1", made_up_reviews(5), random_vectors(5, 4), ingest="ing", part=0)


@pytest.fixture
def model(store, tmp_path):
    registry.register(store, stub_model(tmp_path, "m1"))
    artefacts.move_pointer(store, "model", "m1", if_match=None)
    return version_prefix("model", "m1")


def problems(damages):
    return {damage.key: damage.problem for damage in damages}


def test_a_whole_clean_shard_is_not_damaged(store, shard):
    assert verify.check_clean_shard(store, KEY, 2) is None
    assert verify.check_object(store, KEY) is None


@pytest.mark.parametrize("body", [b"", b"PAR1", b"\0" * 400])
def test_a_clean_shard_that_is_not_parquet_is_corrupt(store, shard, body):
    store.put(KEY, body)
    assert verify.check_clean_shard(store, KEY).problem == "corrupt"


def test_a_truncated_clean_shard_is_corrupt_and_a_deleted_one_is_missing(store, shard):
    store.put(KEY, shard[:-7])
    assert verify.check_clean_shard(store, KEY, 2).problem == "corrupt"
    store.delete(KEY)
    assert verify.check_clean_shard(store, KEY, 2).problem == "missing"
    assert verify.check_object(store, KEY).problem == "missing"


def test_a_clean_shard_with_other_rows_than_the_ledger_is_corrupt(store, shard):
    assert "has 2 rows, the ledger says 3" in verify.check_clean_shard(store, KEY, 3).reason


def test_a_format_of_another_release_is_not_damage(store, shard):
    table = pq.read_table(pa.BufferReader(shard))
    store.put(KEY, to_parquet(table.replace_schema_metadata({PARQUET_KEY: b"99"})))
    assert verify.check_clean_shard(store, KEY, 2) is None


def test_a_whole_pair_is_not_damaged(store, pair):
    assert verify.check_pair(store, STEM, dimension=4, rows=5) == []


@pytest.mark.parametrize("value", [np.nan, np.inf, 3.0])
def test_an_embedding_that_is_no_unit_vector_is_corrupt(store, pair, value):
    vectors = random_vectors(5, 4)
    vectors[3, 1] = value
    store.put(f"{STEM}.npy", npy(vectors))
    (damage,) = verify.check_pair(store, STEM, dimension=4, rows=5)
    assert (damage.key, damage.problem) == (f"{STEM}.npy", "corrupt")
    assert "unit length" in damage.reason


@pytest.mark.parametrize("ending", [".npy", ".parquet"])
@pytest.mark.parametrize("size", [0, 1, 100])
def test_a_truncated_half_of_a_pair_is_corrupt(store, pair, ending, size):
    store.put(STEM + ending, store.get(STEM + ending)[0][:size])
    assert problems(verify.check_pair(store, STEM, dimension=4, rows=5)) == {
        STEM + ending: "corrupt"
    }


@given(st.binary(max_size=64), st.integers(0, 200))
def test_bytes_that_are_no_shard_are_corrupt_and_raise_nothing(noise, position):
    store = MemoryStore()
    put_shard(store, "m1", made_up_reviews(5), random_vectors(5, 4), ingest="ing", part=0)
    for key in (f"{STEM}.npy", f"{STEM}.parquet"):
        body = store.get(key)[0]
        store.put(key, body[:position] + noise + body[position + len(noise) :])
    for damage in verify.check_pair(store, STEM, dimension=4, rows=5):
        assert damage.problem == "corrupt"


def test_a_missing_half_and_another_dimension_are_damage(store, pair):
    assert problems(verify.check_pair(store, STEM, dimension=8)) == {f"{STEM}.npy": "corrupt"}
    store.delete(f"{STEM}.parquet")
    assert problems(verify.check_pair(store, STEM, dimension=4)) == {f"{STEM}.parquet": "missing"}


def test_halves_of_different_length_are_corrupt(store, pair):
    store.put(f"{STEM}.npy", npy(random_vectors(4, 4)))
    # the ledger says which half is wrong
    assert list(problems(verify.check_pair(store, STEM, dimension=4, rows=5))) == [f"{STEM}.npy"]
    assert len(verify.check_pair(store, STEM, dimension=4)) == 2


def test_a_zip_of_arrays_is_not_an_embedding_shard(store, pair, tmp_path):
    np.savez(tmp_path / "a.npz", a=np.zeros(3))
    store.put(f"{STEM}.npy", (tmp_path / "a.npz").read_bytes())
    (damage,) = verify.check_pair(store, STEM, dimension=4)
    assert "archive" in damage.reason


def test_a_whole_version_is_not_damaged(store, model):
    assert verify.check_version(store, "model", "m1") == []
    assert verify.check_pointer(store, "model") is None


@pytest.mark.parametrize(
    ("body", "problem"), [(b"m2", "corrupt"), (b"", "corrupt"), (None, "missing")]
)
def test_a_damaged_file_of_a_version_is_found(store, model, body, problem):
    key = f"{model}model.onnx"
    store.delete(key) if body is None else store.put(key, body)
    assert problems(verify.check_version(store, "model", "m1")) == {key: problem}


@pytest.mark.parametrize("body", [b"", b"{}", b"\xff\0", None])
def test_a_damaged_manifest_damages_version_and_pointer(store, model, body):
    key = f"{model}manifest.json"
    store.delete(key) if body is None else store.put(key, body)
    problem = "missing" if body is None else "corrupt"
    assert problems(verify.check_version(store, "model", "m1")) == {key: problem}
    assert verify.check_pointer(store, "model").key == pointer_key("model")


def test_a_newer_manifest_is_not_damage(store, model):
    fields = json.loads(store.get(f"{model}manifest.json")[0])
    store.put(f"{model}manifest.json", json.dumps(fields | {"format": 99}).encode())
    assert verify.check_version(store, "model", "m1") == []
    assert verify.check_pointer(store, "model") is None


@pytest.mark.parametrize("body", [b"", b"not json", b"[]"])
def test_a_damaged_pointer_is_found(store, model, body):
    store.put(pointer_key("model"), body)
    assert verify.check_pointer(store, "model").problem == "corrupt"
    assert verify.check_json(store, pointer_key("model"), Pointer).problem == "corrupt"
    store.delete(pointer_key("model"))
    assert verify.check_pointer(store, "model").problem == "missing"


def test_a_damaged_evaluation_is_found(store, model):
    digest = registry.digest_of([b"figures", b"rows"])
    prefix = f"{model}evaluation/{digest}/"
    store.put(f"{prefix}evaluation.json", b"figures")
    store.put(f"{prefix}predictions.parquet", b"rows")
    assert verify.check_evaluation(store, "m1", digest) == []
    store.put(f"{prefix}predictions.parquet", b"row")
    assert len(verify.check_evaluation(store, "m1", digest)) == 2
    store.delete(f"{prefix}predictions.parquet")
    assert problems(verify.check_evaluation(store, "m1", digest)) == {
        f"{prefix}predictions.parquet": "missing"
    }
