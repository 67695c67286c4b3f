"""What the gate raises."""

from shared.errors import InvalidInputError, ReviewlensError


class GateError(ReviewlensError):
    """The gate has not passed; says why, and what to do."""

    code = "gate_not_passed"
    status = 409


class EvaluationError(InvalidInputError):
    """An evaluation cannot be read; names the file."""

    code = "evaluation_invalid"
