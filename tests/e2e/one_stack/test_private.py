"""Another account of the machine reads nothing of a stack, and asks nothing of its AWS."""

import os
import pwd
import stat
import subprocess

import httpx
import pytest

pytestmark = pytest.mark.slow
LIST_ALL = """
import os, sys
for root in sys.argv[1:]:
    for place, folders, files in os.walk(root):
        for name in files:
            try:
                open(os.path.join(place, name), "rb").close()
                print(os.path.join(place, name))
            except OSError:
                pass
    for name in ("secrets.json", "stack.json", "s3", "logs", "cache"):
        if os.access(os.path.join(root, name), os.F_OK):
            print(name)
"""


def test_the_state_folder_is_closed(stack, samples):
    for path in stack.folder.root.rglob("*"):
        if path.is_relative_to(stack.folder.postgres):
            continue
        mode = stat.S_IMODE(path.lstat().st_mode)
        assert not mode & (stat.S_IRWXG | stat.S_IRWXO), f"{path}: {mode:o}"
    root = stat.S_IMODE(stack.folder.root.stat().st_mode)
    assert root == (0o710 if os.geteuid() == 0 else 0o700)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can switch users")
def test_another_account_finds_no_file(stack, samples):
    user = pwd.getpwnam("nobody")
    done = subprocess.run(
        ["/usr/bin/env", "python3", "-c", LIST_ALL, str(stack.folder.root)],
        user=user.pw_uid,
        group=user.pw_gid,
        extra_groups=[],
        env={"PATH": "/usr/local/bin:/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == ""


def test_the_local_aws_refuses_requests_without_its_keys(stack, samples):
    url = stack.running.aws_url
    for path in ("/", "/reviewlens-raw", "/reviewlens-raw/uploads/kitchen.tsv"):
        assert httpx.get(f"{url}{path}").status_code == 403
    assert httpx.put(f"{url}/reviewlens-raw/uploads/x.csv", content=b"a").status_code == 403
