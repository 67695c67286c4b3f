"""botocore's errors become errors of the application."""

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from shared.errors import ConflictError, UnavailableError
from shared.storage.aws_errors import translate_aws_errors

REFUSED = ClientError({"Error": {"Code": "Taken", "Message": "already there"}}, "Put")
NO_ANSWER = EndpointConnectionError(endpoint_url="https://s3")


def refusal(code, message):
    return ConflictError(f"{code}: {message}")


@pytest.mark.parametrize("error", [REFUSED, NO_ANSWER])
def test_without_a_refusal_function_every_error_is_unavailable(error):
    with (
        pytest.raises(UnavailableError, match=r"^no answer$") as raised,
        translate_aws_errors("no answer"),
    ):
        raise error
    assert raised.value.__cause__ is error


def test_a_refusal_is_translated_from_code_and_message():
    with (
        pytest.raises(ConflictError, match=r"^Taken: already there$"),
        translate_aws_errors("no answer", refusal),
    ):
        raise REFUSED


def test_no_answer_is_unavailable_even_with_a_refusal_function():
    with (
        pytest.raises(UnavailableError, match=r"^no answer$"),
        translate_aws_errors("no answer", refusal),
    ):
        raise NO_ANSWER


def test_other_errors_pass_through():
    with pytest.raises(ZeroDivisionError), translate_aws_errors("no answer"):
        raise ZeroDivisionError
