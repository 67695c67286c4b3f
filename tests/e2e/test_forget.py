"""An upload undone on a running stack: it is in no answer, no table and no file any more."""

import json
import subprocess

import pytest

from tests.e2e.stack import COMMAND, wait_until

pytestmark = pytest.mark.slow

WORD = "quixotically"
LINE = '{{"reviewText": "{}", "overall": {}, "asin": "{}", "reviewerID": "r{}"}}\n'
TEXTS = [*(f"This {WORD} blue kettle leaks, take {n}." for n in range(9)), ""]
DUMP = "".join(LINE.format(text, 1, WORD, number) for number, text in enumerate(TEXTS))


def files_with(folder, text):
    """Files that hold a text; those of PostgreSQL, and bytes on their way out, are left out."""
    return [
        path.relative_to(folder)
        for path in folder.rglob("*")
        if path.is_file()
        and not path.is_relative_to(folder / "postgres")
        and path.suffix != ".retired"  # tests/functional/local/test_disk.py shows that they go
        and text.encode() in path.read_bytes()
    ]


def forget(stack, ingest_id):
    """The receipt that the command prints."""
    options = ["--yes", "--json", "--state", str(stack.folder.root)]
    command = [COMMAND, "forget", ingest_id, *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)["ingests"][0]


def found(stack):
    return [each.review_text for each in stack.api.search(f"a {WORD} blue kettle").results]


def test_a_forgotten_upload_is_nowhere(stack, samples):
    folder = stack.folder.root
    before = stack.count("SELECT count(*) FROM reviews")
    ingest_id = stack.put("forget.jsonl", DUMP.encode())
    report = stack.wait_for(ingest_id)
    assert (report.stored, report.rejected) == (9, 1)
    wait_until(lambda: WORD in found(stack)[0], what="an index with the upload")
    assert files_with(folder, WORD)

    undone = forget(stack, ingest_id)
    removed = undone["undo"]["removed"]
    assert undone["status"] == "undone"
    assert (removed["rows"], removed["rejects"], removed["products"]) == (9, 1, 1)
    assert forget(stack, ingest_id) == undone
    assert stack.count("SELECT count(*) FROM reviews") == before
    tables = "SELECT oid::regclass FROM pg_class WHERE relkind = 'r'"
    for (table,) in stack.rows(f"{tables} AND relnamespace = 'public'::regnamespace"):
        query = f"SELECT count(*) FROM {table} AS t WHERE t::text LIKE %s"
        assert stack.count(query, f"%{WORD}%") == 0, table
    # processes swap, and clean their caches, within seconds
    wait_until(lambda: not files_with(folder, WORD), what="a state folder without the text")
    assert not any(WORD in text for text in found(stack))
    with stack.http() as http:
        assert http.get(f"/products/{WORD}").status_code == 404
