"""State machines: the port and its Step Functions adapter."""

import json
from collections.abc import Mapping
from typing import Any, Protocol

from shared.errors import UnavailableError
from shared.storage.aws_errors import translate_aws_errors


class StateMachine(Protocol):
    """The operations of one state machine that the application uses."""

    def start(self, name: str, payload: Mapping[str, object]) -> None:
        """Start an execution; nothing happens if one of this name and payload is running."""

    def is_running(self, name: str) -> bool:
        """Whether an execution of this name is running."""


class StepFunction:
    """The Step Functions adapter of StateMachine."""

    def __init__(self, step_functions: Any, arn: str) -> None:
        self._step_functions = step_functions
        self._arn = arn

    def start(self, name: str, payload: Mapping[str, object]) -> None:
        """See StateMachine.start."""
        with translate_aws_errors("Step Functions did not answer", _refusal):
            self._step_functions.start_execution(
                stateMachineArn=self._arn, name=name, input=json.dumps(payload)
            )

    def is_running(self, name: str) -> bool:
        """See StateMachine.is_running."""
        arn = f"{self._arn.replace(':stateMachine:', ':execution:', 1)}:{name}"
        exceptions = self._step_functions.exceptions
        with translate_aws_errors("Step Functions did not answer", _refusal):
            try:
                answer = self._step_functions.describe_execution(executionArn=arn)
            except exceptions.ExecutionDoesNotExist:
                return False
        return bool(answer["status"] == "RUNNING")


def _refusal(code: str, message: str) -> Exception:
    return UnavailableError(f"Step Functions refused the request: {code}: {message}")
