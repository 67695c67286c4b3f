"""docs/security.md names only tests that exist."""

import re

from cdk.paths import ROOT

PAGE = ROOT / "docs" / "security.md"


def test_every_test_that_the_page_names_exists():
    named = set(re.findall(r"`([\w./-]*test_\w+\.py)`", PAGE.read_text()))
    files = [f"/{path.relative_to(ROOT)}" for path in (ROOT / "tests").rglob("test_*.py")]
    assert named
    assert not [name for name in sorted(named) if not any(f.endswith(f"/{name}") for f in files)]
