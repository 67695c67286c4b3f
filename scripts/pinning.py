"""What the scripts that pin requirements have in common."""

from collections.abc import Iterable
from importlib.metadata import packages_distributions

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name


def distributions_of(modules: Iterable[str]) -> set[str]:
    """Names of the installed distributions that contain these top-level modules."""
    distributions = packages_distributions()
    return {canonicalize_name(distributions[module][0]) for module in modules}


def applies(requirement: Requirement, extra: str, *, python: str) -> bool:
    """Whether a requirement applies on Linux x86_64.

    Args:
        requirement: one dependency of a distribution, with its marker.
        extra: the selected extra of that distribution, or ``""``.
        python: version of CPython, such as ``3.12``.
    """
    markers = {
        "python_version": python,
        "python_full_version": f"{python}.0",
        "sys_platform": "linux",
        "platform_system": "Linux",
        "platform_machine": "x86_64",
        "implementation_name": "cpython",
        "platform_python_implementation": "CPython",
        "os_name": "posix",
        "extra": extra,
    }
    return requirement.marker is None or requirement.marker.evaluate(markers)
