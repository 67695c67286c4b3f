"""Errors of the local stack, printed at the terminal without a traceback."""


class LocalStackError(Exception):
    """The command cannot be completed; the message says what to do.

    ``exit_code`` is 2 for wrong usage (a port in use, a wrong folder), otherwise 1.
    """

    def __init__(self, message: str, *, exit_code: int = 1) -> None:
        super().__init__(message)
        self.message = message
        self.exit_code = exit_code
