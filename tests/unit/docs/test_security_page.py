"""docs/security.md names only tests that exist."""

import re

from cdk.paths import ROOT

PAGE = ROOT / "docs" / "security.md"


def test_every_test_that_the_page_names_exists():
    named = set(re.findall(r"`(tests/[\w./-]+)`", PAGE.read_text()))
    assert named
    assert not [path for path in sorted(named) if not (ROOT / path).exists()]
