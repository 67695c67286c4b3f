"""The client of OpenAI against a real stack."""

import httpx
import numpy as np
import pytest

pytestmark = pytest.mark.slow
openai = pytest.importorskip("openai", reason="no client of OpenAI: `make check` installs it")
TEXTS = ["The hinge broke.", "Lovely sound, and the battery lasts for days."]


@pytest.fixture(scope="module")
def url(stack, samples):
    return f"{stack.running.gateway_url}/v1"


@pytest.fixture(scope="module")
def openai_client(url):
    with openai.OpenAI(base_url=url, api_key="unused", max_retries=0) as made:
        yield made


@pytest.fixture(scope="module")
def vectors(client):
    """What POST /embeddings returns."""
    return np.array(client.post("/embeddings", json={"texts": TEXTS}).json()["embeddings"])


def test_the_vectors_are_those_of_the_own_route(openai_client, vectors):
    answer = openai_client.embeddings.create(model="reviewlens", input=TEXTS)  # asks for base64
    assert [each.index for each in answer.data] == [0, 1]
    got = np.array([each.embedding for each in answer.data])
    np.testing.assert_allclose(got, vectors, atol=1e-6)


def test_numbers_may_be_asked_for(openai_client, vectors):
    answer = openai_client.embeddings.create(
        model="reviewlens", input=TEXTS[0], encoding_format="float", dimensions=384, user="me"
    )
    np.testing.assert_allclose(answer.data[0].embedding, vectors[0], atol=1e-4)


def test_usage_counts_the_tokens_that_the_model_read(openai_client):
    def tokens(*texts):
        usage = openai_client.embeddings.create(model="reviewlens", input=list(texts)).usage
        assert usage.prompt_tokens == usage.total_tokens
        return usage.total_tokens

    assert tokens("good") == 3  # with a token at each end
    assert tokens("good", "good good") == 7
    assert tokens("good " * 1900) == 256


def test_the_version_of_the_model_is_a_name_of_it(openai_client):
    model = openai_client.embeddings.create(model="reviewlens", input="a").model
    assert openai_client.embeddings.create(model=model, input="a").model == model


def test_a_model_that_does_not_exist_is_named(openai_client):
    with pytest.raises(openai.NotFoundError, match="'text-embedding-3-small' does not") as raised:
        openai_client.embeddings.create(model="text-embedding-3-small", input="a")
    assert (raised.value.code, raised.value.param) == ("model_not_found", "model")
    assert raised.value.type == "invalid_request_error"


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({"input": [1, 2, 3]}, "input", "send the text itself"),
        ({"input": [[1, 2], [3]]}, "input", "send the text itself"),
        ({"input": []}, "input", "at least 1 item"),
        ({"input": ["a"] * 65}, "input", "at most 64 items"),
        ({"input": ""}, "input.0", "at least 1 character"),
        ({"input": ["a", "  "]}, "input.1", "must not be blank"),
        ({"input": "x" * 10_001}, "input.0", "at most 10000 characters"),
        ({"dimensions": 256}, "dimensions", "384 numbers"),
        ({"encoding_format": "hex"}, "encoding_format", "'float' or 'base64'"),
        ({"extra_body": {"colour": "red"}}, "colour", "not permitted"),
    ],
)
def test_an_invalid_field_is_named(openai_client, changes, field, words):
    with pytest.raises(openai.BadRequestError, match=words) as raised:
        openai_client.embeddings.create(**{"model": "reviewlens", "input": "a", **changes})
    assert (raised.value.code, raised.value.param) == ("invalid_input", field)


@pytest.mark.parametrize(
    ("method", "path", "content", "kind", "status", "code"),
    [
        ("POST", "/embeddings", b"{", "application/json", 400, "invalid_json"),
        ("POST", "/embeddings", b"{}", "text/plain", 415, "unsupported_media_type"),
        ("POST", "/embeddings", b"[" * 5_000_001, "application/json", 413, "too_large"),
        ("GET", "/embeddings", b"", "application/json", 405, "method_not_allowed"),
        ("POST", "/chat/completions", b"{}", "application/json", 404, "route_not_found"),
    ],
)
def test_every_error_has_the_shape_of_openai(url, method, path, content, kind, status, code):
    headers = {"content-type": kind}
    answer = httpx.request(method, url + path, content=content, headers=headers)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/json"
    assert answer.json()["error"].keys() == {"message", "type", "param", "code"}
    assert answer.json()["error"]["code"] == code
