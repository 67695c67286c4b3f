"""A verdict as a readable table."""

from shared.schemas.gate import GateCheck, GateResult

COLUMNS = ("where", "measure", "rows", "current", "candidate", "gain", "noise", "p", "verdict")


def markdown(result: GateResult) -> str:
    """The verdict, its reasons and every comparison, as Markdown."""
    verdict = "passed" if result.passed else "not passed"
    lines = [
        f"# Gate: {result.candidate} against {result.against}: {verdict}",
        "",
        f"{result.rows} rows. Level: {result.level:g}, overall and slices together.",
        "",
    ]
    lines += [f"- {reason}" for reason in result.reasons]
    lines += ["", f"| {' | '.join(COLUMNS)} |", f"|{'---|' * len(COLUMNS)}"]
    lines += [f"| {' | '.join(cells(check))} |" for check in result.checks]
    return "\n".join(lines) + "\n"


def cells(check: GateCheck) -> tuple[str, ...]:
    """One comparison as the cells of a table row, in the order of COLUMNS."""
    return (
        check.where,
        check.measure,
        "" if check.rows is None else str(check.rows),
        f"{check.current:.4f}",
        f"{check.candidate:.4f}",
        f"{check.gain:+.4f}",
        "" if check.noise is None else f"{check.noise:.4f}",
        "" if check.p is None else f"{check.p:.3f}",
        "ok" if check.passed else "worse",
    )
