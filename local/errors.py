"""Faults of the local stack, told to the person at the terminal without a traceback."""


class LocalStackError(Exception):
    """Something on this machine is in the way; the message says what to do.

    ``exit_code`` is 2 where the command was used wrongly (a taken port, a wrong folder), else 1.
    """

    def __init__(self, message: str, *, exit_code: int = 1) -> None:
        super().__init__(message)
        self.message = message
        self.exit_code = exit_code


class RefusedError(LocalStackError):
    """A service answered with a problem; ``status`` is that of HTTP."""

    def __init__(self, message: str, *, status: int, exit_code: int = 1) -> None:
        super().__init__(message, exit_code=exit_code)
        self.status = status
