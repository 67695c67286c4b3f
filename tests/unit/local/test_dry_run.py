"""``ingest --dry-run`` shows how files would be read, without a stack."""

import json

import pytest
from typer.testing import CliRunner

from local.cli.main import application

GOOD = "text,rating,colour\n" + "".join(f"Text {n}.,5,red\n" for n in range(20))


@pytest.fixture
def dry_run(tmp_path):
    def run(body, *arguments):
        path = tmp_path / "shop.csv"
        path.write_text(body)
        state = str(tmp_path / "none")
        command = ["ingest", str(path), "--dry-run", "--state", state, *arguments]
        return CliRunner().invoke(application, command)

    return run


def test_a_dry_run_shows_mapping_rows_and_counts(dry_run):
    done = dry_run(GOOD)
    assert done.exit_code == 0, done.output
    assert "format csv, compression none, encoding utf-8, schema mapped" in done.output
    assert "text <- text" in done.output
    assert "unused columns: colour" in done.output
    assert "the whole file: 20 rows read, 20 would be stored, 0 duplicates, 0 rejected" in (
        done.output
    )
    assert "languages: en 20" in done.output
    assert "Text 9." in done.output
    assert "Text 10." not in done.output


def test_a_dry_run_as_json(dry_run):
    done = dry_run(GOOD, "--json", "--map", "text=colour")
    (preview,) = json.loads(done.stdout)["previews"]
    assert (preview["mapping"], preview["stored"]) == ({"text": ["colour"]}, 20)


@pytest.mark.parametrize(
    ("body", "arguments", "status", "message"),
    [
        ("a,b\n1,2\n", (), 1, "schema_unknown"),
        (GOOD, ("--map", "text=Nope"), 1, "not a column of the dump"),
        ("text,rating\n,5\n", (), 1, "line 2: text_missing"),
        ("text,rating\nGood.,5\n,5\n", (), 3, "line 3: text_missing"),
        ("text,rating\nGood.,5\n,5\n", ("--max-reject-share", "0.5"), 0, "1 rejected"),
        ("text,rating\nGood.,5\n,5\n", ("--max-reject-share", "0.4"), 3, "1 rejected"),
        (GOOD, ("--max-reject-share", "1.5"), 2, "--max-reject-share"),
        (GOOD, ("--map", "nope=text"), 2, "must have the form field=column"),
    ],
)
def test_the_exit_status_is_that_of_the_ingest(dry_run, body, arguments, status, message):
    done = dry_run(body, *arguments)
    assert done.exit_code == status
    assert message in done.output


def test_a_dry_run_of_a_part_names_its_extent(dry_run):
    done = dry_run("text\n" + f"{'long ' * 200}\n" * 6000, "--limit-mb", "1")
    assert "the beginning of the file" in done.output
