"""Python with the installed libraries and without the checkout, as in a deployed function."""

import os
import sys
import sysconfig

PYTHON = [sys.executable, "-S"]
"""Without site, the checkout that is installed as editable cannot be imported from elsewhere."""


def library_path():
    """PYTHONPATH of the installed libraries."""
    return os.pathsep.join(sorted({sysconfig.get_path(kind) for kind in ("purelib", "platlib")}))


def bare_environment():
    """The environment without any variable of ours or of AWS."""
    found = {k: v for k, v in os.environ.items() if not k.startswith(("REVIEWLENS_", "AWS_"))}
    return {**found, "PYTHONPATH": library_path()}
