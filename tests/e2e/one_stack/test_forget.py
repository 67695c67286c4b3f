"""An upload or a reviewer forgotten on a running stack: in no answer, table or file any more."""

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


def run(stack, *arguments):
    """What a command prints as JSON."""
    command = [COMMAND, *arguments, "--json", "--state", str(stack.folder.root)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def forget(stack, ingest_id):
    """The receipt that the command prints."""
    return run(stack, "forget", ingest_id, "--yes")["ingests"][0]


def tables_with(stack, text):
    tables = "SELECT oid::regclass FROM pg_class WHERE relkind = 'r'"
    return [
        table
        for (table,) in stack.rows(f"{tables} AND relnamespace = 'public'::regnamespace")
        if stack.count(f"SELECT count(*) FROM {table} AS t WHERE t::text LIKE %s", f"%{text}%")
    ]


def found(stack, word=WORD):
    return [each.review_text for each in stack.api.search(f"a {word} blue kettle").results]


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
    assert tables_with(stack, WORD) == []
    # processes swap, and clean their caches, within seconds
    wait_until(lambda: not files_with(folder, WORD), what="a state folder without the text")
    assert not any(WORD in text for text in found(stack))
    with stack.http() as http:
        assert http.get(f"/products/{WORD}").status_code == 404


def test_a_forgotten_reviewer_does_not_come_back(stack, samples):
    who, word = "reader-under-a-pseudonym", "perspicaciously"
    lines = [
        LINE.format(f"This {word} blue kettle leaks, take {n}.", 1, "K1", who[1:]) for n in (1, 2)
    ]
    lines += [LINE.format(f"Others like it, take {n}.", 5, "K1", f"r{n}") for n in range(9)]
    lines.append('{"reviewText": "This ' + word + '", "overall": 1, "reviewerID": "' + who + '"\n')
    ingest_id = stack.put("reviewer.jsonl", "".join(lines).encode())
    assert stack.wait_for(ingest_id).stored == 11
    wait_until(lambda: word in found(stack, word)[0], what="an index with the upload")

    (forgotten,) = run(stack, "forget", "--reviewer", who, "--yes")["exclusions"]
    receipt = forgotten["receipt"]
    assert (forgotten["status"], receipt["removed"]["rows"]) == ("removed", 2)
    assert receipt["removed"]["rejects"] == 1
    assert receipt["uploads"][0] == {
        "ingest_id": ingest_id,
        "key": "uploads/reviewer.jsonl",
        "rows": 2,
    }
    assert tables_with(stack, word) == tables_with(stack, who) == []
    in_files = files_with(stack.folder.root, word)
    wait_until(
        lambda: all("raw" in str(path) for path in files_with(stack.folder.root, word)),
        what=f"no text but in the uploaded file: {in_files}",
    )
    assert not any(word in text for text in found(stack, word))

    again = stack.put("reviewer-again.jsonl", "".join(lines).encode())
    report = stack.wait_for(again)
    assert (report.stored, report.rejects_by_reason) == (0, {"excluded": 3})
    listed = run(stack, "exclusions")["exclusions"]
    assert forgotten["exclusion_id"] in [each["exclusion_id"] for each in listed]
    (ended,) = run(stack, "exclusions", "--end", forgotten["exclusion_id"])["exclusions"]
    assert ended["status"] == "ended"
