"""``reviewlens up`` on a state folder with damaged files."""

import json
import subprocess

import pytest

from local.names import CLEAN_BUCKET
from tests.e2e.dumps import amazon_2014
from tests.e2e.stack import COMMAND, counts

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


def test_damaged_files_are_recovered_and_reported(new_stack):
    stack = new_stack().start()
    dump = amazon_2014(120)
    ingest_id = stack.put("small.json", dump.body)
    stack.wait_for(ingest_id)
    stack.wait_for_index()
    stack.kill()
    root = stack.folder.root
    (record,) = (root / "s3" / CLEAN_BUCKET / "meta").glob("*.json")
    record.write_bytes(record.read_bytes()[:-30])
    (root / "secrets.json").write_bytes(b"\0" * 50)
    (root / "postgres" / "PG_VERSION").unlink()
    (root / "reviewlens-state").write_bytes(b"")
    (root / "stack.json").write_text("{")
    stack.start()
    assert "4 problems were found in the state folder" in stack.output()
    assert "Traceback" not in stack.output()
    assert counts(stack.wait_for(ingest_id)) == dump.counts
    body = stack.aws("s3").list_objects_v2(Bucket=CLEAN_BUCKET)["Contents"]
    assert len(body) == 1
    command = [COMMAND, "status", "--json", "--state", str(root)]
    status = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    assert [entry["reason"] for entry in status["quarantine"]] == [
        "the secrets in it are damaged",
        f"record of an object in bucket {CLEAN_BUCKET}: it is not JSON",
    ]
