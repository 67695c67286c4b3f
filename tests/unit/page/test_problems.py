"""What a visitor reads when something goes wrong: one plain sentence, no detail of the code."""

import pytest

from frontend_space.problems import NotReadyError, PageError, describe
from reviewlens import Client, ConnectionFailedError, Retry, StatusError, UploadError
from reviewlens.errors import status_error
from tests.clients import scripted_server


def problem(status, code, detail):
    return status, {"title": "x", "status": status, "code": code, "detail": detail}


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (problem(404, "route_not_found", "No route"), "This is not available on this server (HTTP"),
        (problem(404, "not_found", "there is no such product"), "There is no such product."),
        (problem(403, "forbidden", "Forbidden"), "This is not available on this server: the key"),
        (problem(422, "invalid_input", "from: is not a day"), "From: is not a day."),
        ((400, b"<html>"), "The server rejected the request (HTTP 400)."),
        ((401, {}), "The server does not accept the API key"),
        ((413, {}), "This is too long for the server."),
        ((429, {}), "Too many requests at once."),
        ((302, {}), "The server rejected the request (HTTP 302)."),
        ((200, b"no json"), "The answer of the server cannot be understood."),
        ((200, {"points": 7}), "The answer of the server cannot be understood."),
        ((500, {"detail": "Traceback: secret"}), "The server cannot answer now. Please try again"),
        (problem(503, "unavailable", "the database is down"), "now. The database is down. Please"),
    ],
)
def test_an_error_of_the_api_is_one_sentence(answer, sentence):
    with scripted_server() as server, Client(server.url, retry=Retry(attempts=1)) as client:
        server.answers = [answer]
        with pytest.raises(Exception, match="GET /trends") as caught:
            client.trends()
    text = describe(caught.value)
    assert sentence in text
    assert "secret" not in text
    assert text.endswith(".")


def test_a_server_that_does_not_run_is_one_sentence():
    with (
        Client("http://127.0.0.1:1", retry=Retry(attempts=1)) as client,
        pytest.raises(ConnectionFailedError) as caught,
    ):
        client.health()
    assert describe(caught.value) == "The server cannot be reached. Please try again."


@pytest.mark.parametrize(
    "error",
    [PageError("Choose a file."), NotReadyError("Starting."), UploadError("The file is empty.")],
)
def test_a_sentence_of_the_page_stays_as_it_is(error):
    assert describe(error) == str(error)


def test_a_long_detail_is_cut():
    body = b'{"title": "x", "status": 422, "code": "c", "detail": "%s"}' % (b"x" * 5000)
    error = status_error("GET /x", 422, body, None)
    assert isinstance(error, StatusError)
    assert len(describe(error)) < 320
