"""Errors of the gate."""

from shared.errors import InvalidInputError, ReviewlensError


class GateError(ReviewlensError):
    """The gate has not passed; the message gives reasons and next steps."""

    code = "gate_not_passed"
    status = 409


class EvaluationError(InvalidInputError):
    """An evaluation cannot be read; the message names the file."""

    code = "evaluation_invalid"
