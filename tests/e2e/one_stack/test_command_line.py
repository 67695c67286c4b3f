"""The command line against a real stack: results, output and errors."""

import json
import subprocess

import pytest

from tests.e2e.stack import COMMAND

pytestmark = pytest.mark.slow

JSON_LINE = '{{"reviewText": "{}", "overall": {}, "asin": "P9", "reviewerID": "r{}"}}\n'


def run(*arguments, expect=0, **options):
    result = subprocess.run(
        [COMMAND, *arguments], capture_output=True, text=True, check=False, timeout=560, **options
    )
    assert result.returncode == expect, (
        f"{arguments}: {result.returncode}\n{result.stdout}{result.stderr}"
    )
    return result


@pytest.fixture
def reviewlens(stack):
    """``reviewlens(command, …)`` on the running stack."""

    def call(command, *arguments, expect=0):
        return run(command, *arguments, "--state", str(stack.folder.root), expect=expect)

    return call


def test_ingest_waits_until_the_reviews_can_be_searched(reviewlens, samples, tmp_path):
    dump = tmp_path / "fresh.jsonl"
    dump.write_text(
        JSON_LINE.format("The teapot from the fair pours without a drip.", 5, 1)
        + JSON_LINE.format("", 4, 2)
        + JSON_LINE.format("The glaze came off.", 9, 3).replace("{", "[")
    )
    done = reviewlens("ingest", str(dump), "--json", expect=3)
    ingests = json.loads(done.stdout)["ingests"]
    assert [(f["status"], f["rows_read"], f["stored"], f["rejected"]) for f in ingests] == [
        ("processed_with_warnings", 3, 1, 2)
    ]
    assert "2 of 3 rows were rejected; first: uploads/fresh.jsonl, line 2: text_missing" in (
        done.stderr
    )
    assert ingests[0]["rejects_by_reason"] == {"text_missing": 1, "malformed_record": 1}
    results = json.loads(reviewlens("search", "a teapot that pours well", "--json").stdout)
    assert results["results"][0]["product_id"] == "P9"


def test_a_folder_is_ingested_with_its_mappings(reviewlens, samples, tmp_path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "a.csv").write_text("Meinung;Note\nWunderbar weich und warm.;5\n")
    (tmp_path / "sub" / "mapping.json").write_text('{"text": "Meinung", "rating": "Note"}')
    (tmp_path / ".hidden").write_text("nothing to read")
    ingests = json.loads(reviewlens("ingest", str(tmp_path), "--json").stdout)["ingests"]
    assert [(f["key"], f["stored"]) for f in ingests] == [("uploads/sub/a.csv", 1)]


def test_a_dump_with_unknown_columns_can_be_ingested_with_a_mapping(reviewlens, samples, tmp_path):
    dump = tmp_path / "own.csv"
    dump.write_text("Opinion,Grade\nThe lid of the churn fits badly.,2\n")
    failed = reviewlens("ingest", str(dump), expect=1)
    assert "schema_unknown" in failed.stdout
    assert "'Opinion', 'Grade'" in failed.stdout
    mapped = reviewlens("ingest", str(dump), "--map", "text=Opinion,rating=Grade", "--json")
    assert json.loads(mapped.stdout)["ingests"][0]["stored"] == 1


def test_a_wrong_mapping_is_corrected_by_ingesting_the_same_file_again(
    reviewlens, samples, tmp_path
):
    dump = tmp_path / "heads.csv"
    dump.write_text("Kopf,Meinung,Note\nEin Kopf.,Eine klare Meinung.,5\nZwei.,,4\nDrei.,Drei.,3\n")

    def ingest(source, columns, expect=0):
        done = reviewlens("ingest", source, "--map", columns, "--json", expect=expect)
        (report,) = json.loads(done.stdout)["ingests"]
        return report["ingest_id"], report["status"], report["stored"], report["rejected"]

    ingest_id, *outcome = ingest(str(dump), "text=Kopf,rating=Note")
    assert outcome == ["processed", 3, 0]
    right = "text=Meinung,rating=Note"
    assert ingest(str(dump), right, 3) == (ingest_id, "processed_with_warnings", 2, 1)
    uri = "s3://reviewlens-raw/uploads/heads.csv"
    assert ingest(uri, "text=Kopf,rating=Note") == (ingest_id, "processed", 3, 0)


def test_objects_at_an_s3_uri_are_collected(reviewlens, stack, samples):
    line = JSON_LINE.format("The anvil rings true and stays put.", 5, 7)
    s3 = stack.aws("s3")
    s3.create_bucket(Bucket="elsewhere")
    s3.put_object(Bucket="elsewhere", Key="old/anvils.jsonl", Body=line.encode())
    ingests = json.loads(reviewlens("ingest", "s3://elsewhere/old/", "--json").stdout)["ingests"]
    assert [(f["key"], f["status"], f["stored"]) for f in ingests] == [
        ("uploads/elsewhere/old/anvils.jsonl", "processed", 1)
    ]


def test_analyze_and_search_print_text_and_json(reviewlens, samples):
    output = reviewlens("analyze", "The hinge snapped and nobody answers.", "--top-k", "2").stdout
    assert "negative" in output
    assert "RL-AUD-01" in output
    analysis = json.loads(reviewlens("analyze", "Lovely, would buy again!", "--json").stdout)
    assert analysis["sentiment"] == "positive"
    filtered = json.loads(
        reviewlens(
            *("search", "hinge", "--product", "RL-AUD-01", "--sentiment", "negative"),
            *("--max-rating", "2", "--from", "2026-03-16", "--top-k", "4", "--json"),
        ).stdout
    )["results"]
    assert len(filtered) == 4
    assert {review["product_id"] for review in filtered} == {"RL-AUD-01"}
    assert all(review["sentiment"] == "negative" for review in filtered)
    assert all(review["rating"] <= 2 for review in filtered)
    assert all(review["reviewed_at"] >= "2026-03-16" for review in filtered)


@pytest.mark.parametrize("suffix", ["html", "pdf"])
def test_a_report_is_written_from_the_data_of_the_stack(reviewlens, samples, tmp_path, suffix):
    path = tmp_path / f"headphones.{suffix}"
    result = json.loads(
        reviewlens("report", "--product", "RL-AUD-01", "-o", str(path), "--json").stdout
    )
    assert result["bytes"] == path.stat().st_size > 10_000
    assert "Worst reviews" not in result["not_available"]
    if suffix == "html":
        assert "Reviews of Wren Folding Headphones" in path.read_text()
        assert "hinge" in path.read_text()


def test_status_and_doctor_describe_the_stack(reviewlens, tmp_path):
    (tmp_path / "status.csv").write_text("text,rating\nThe lid of the status kettle leaks.,2\n")
    reviewlens("ingest", str(tmp_path / "status.csv"))
    status = json.loads(reviewlens("status", "--json").stdout)
    assert status["health"]["status"] == "ok"
    assert {each["key"] for each in status["ingests"]} >= {"uploads/status.csv"}
    assert set(status["queues"]) == {"collection", "processing", "index", "pictures"}
    checks = json.loads(reviewlens("doctor", "--json").stdout)["checks"]
    assert {check["check"] for check in checks} >= {"PostgreSQL", "model", "services", "queues"}
    assert all(check["verdict"] != "failed" for check in checks)


def test_env_sets_up_psql(reviewlens, samples):
    script = f"{reviewlens('env').stdout}\npsql -tAc 'SELECT count(*) FROM reviews'"
    result = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True)
    assert int(result.stdout) > 700


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("ingest", "/no/such/file.csv"), "/no/such/file.csv does not exist"),
        (("ingest", "s3://no-such-bucket/x"), "cannot be read in this stack"),
        (("analyze", " "), "query_text"),
        (("search", "x", "--min-rating", "9"), "filters.min_rating"),
        (("search", "x", "--sentiment", "angry"), "filters.sentiment"),
        (("search", "x", "--from", "yesterday"), "filters.date_from"),
        (("report", "-o", "x.html", "--product", "no-such"), "There is no product 'no-such'"),
    ],
)
def test_wrong_input_is_a_one_line_error(reviewlens, arguments, message):
    error = reviewlens(*arguments, expect=2).stderr
    assert message in error
    assert "Traceback" not in error


def test_an_invalid_map_option_lists_the_fields(reviewlens, tmp_path):
    (tmp_path / "x.csv").write_text("a,b\n1,2\n")
    error = reviewlens("ingest", str(tmp_path / "x.csv"), "--map", "txt=a", expect=2).stderr
    assert "'txt=a'" in error
    assert "must have the form field=column" in error
    assert "helpful_votes" in error


def test_two_files_with_the_same_name_are_refused(reviewlens, tmp_path):
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "x.csv").write_text(f"text,rating\n{folder},3\n")
    paths = (str(tmp_path / "a" / "x.csv"), str(tmp_path / "b" / "x.csv"))
    assert "--prefix" in reviewlens("ingest", *paths, expect=2).stderr


@pytest.mark.parametrize("command", [("analyze", "x"), ("search", "x"), ("status",), ("env",)])
def test_without_a_stack_commands_explain_how_to_start_one(command, tmp_path):
    error = run(*command, "--state", str(tmp_path / "none"), expect=2).stderr
    assert "reviewlens up" in error


def test_reset_confirms_and_removes_only_an_unused_state_folder(stack, tmp_path):
    running = run("reset", "--yes", "--state", str(stack.folder.root), expect=2)
    assert "already running" in running.stderr
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter").write_text("keep")
    refused = run("reset", "--yes", "--state", str(tmp_path / "mine"), expect=2)
    assert "not a Reviewlens state folder" in refused.stderr
    assert (tmp_path / "mine" / "letter").read_text() == "keep"
    idle = tmp_path / "idle"
    idle.mkdir()
    (idle / "reviewlens-state").write_text("1\n")
    (idle / "lock").touch()
    run("reset", "--state", str(idle), expect=1, input="n\n")
    assert idle.exists()
    run("reset", "--state", str(idle), input="y\n")
    assert not idle.exists()
    run("reset", "--yes", "--state", str(idle))


def test_the_demo_exits_with_0_if_every_step_succeeds(tmp_path):
    ports = ("--port", "0", "--aws-port", "0", "--database-port", "0")
    output = run("demo", "--once", *ports, "--state", str(tmp_path / "state")).stdout
    for text in ("uploads/audio.review", "RL-AUD-01", "Wren Folding Headphones", "similarity"):
        assert text in output
