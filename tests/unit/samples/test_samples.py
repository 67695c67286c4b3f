"""The committed samples are what the script writes, and collection reads them as promised."""

import importlib.util
import json
from collections import Counter
from pathlib import Path

import pytest

from lambdas.collection.reading import ReadOptions, read_dump

ROOT = Path(__file__).parents[3]
SAMPLES = ROOT / "samples"
EXPECTED = json.loads((SAMPLES / "expected.json").read_text())["files"]


def _generator():
    spec = importlib.util.spec_from_file_location(
        "make_samples", ROOT / "scripts/samples/make_samples.py"
    )
    module = importlib.util.module_from_spec(spec)
    import sys

    sys.modules["make_samples"] = module
    spec.loader.exec_module(module)
    return module


def test_the_script_writes_the_committed_files_byte_for_byte():
    for name, body in _generator().build().items():
        assert (SAMPLES / name).read_bytes() == body, name


def test_no_two_reviews_have_the_same_text_and_the_problem_shows_from_its_date():
    module = _generator()
    reviews = module.make_reviews()
    assert len({review.text for review in reviews}) == len(reviews) >= 600
    product = [r for r in reviews if r.product.id == module.FAULT_PRODUCT]
    before = [r.rating for r in product if r.at < module.FAULT_START]
    after = [r.rating for r in product if r.at >= module.FAULT_START]
    assert sum(before) / len(before) > 4
    assert sum(after) / len(after) < 3


@pytest.mark.parametrize("name", EXPECTED)
def test_collection_reads_each_sample_as_promised(name):
    mapping = SAMPLES / f"{name}.mapping.json"
    options = ReadOptions(
        reviewer_key=b"k" * 32,
        mapping=json.loads(mapping.read_text()) if mapping.exists() else None,
    )
    ids, rejects, accepted = set(), Counter(), 0
    with (SAMPLES / name).open("rb") as stream:
        for batch in read_dump(stream, name=name, options=options):
            ids.update(batch.table["review_id"].to_pylist())
            accepted += batch.table.num_rows
            rejects.update(reject.reason.value for reject in batch.rejects)
    assert {
        "rows_read": accepted + rejects.total(),
        "stored": len(ids),
        "duplicates": accepted - len(ids),
        "rejected": rejects.total(),
        "rejects_by_reason": dict(sorted(rejects.items())),
    } == EXPECTED[name]
