"""Embeds texts for clients of OpenAI's API."""

import base64

import numpy as np
from starlette.responses import Response

from lambdas.inference.embeddings import embed
from shared.errors import InvalidInputError, ModelNotFoundError
from shared.http.dialects import Dialect
from shared.schemas.api import Problem
from shared.schemas.embeddings import EmbeddingsRequest
from shared.schemas.openai import (
    CURRENT_MODEL,
    OpenAIEmbedding,
    OpenAIEmbeddings,
    OpenAIEmbeddingsRequest,
    OpenAIError,
    OpenAIErrorDetail,
    OpenAIUsage,
)
from shared.serving.snapshots import Snapshot

_FIRST_SERVER_ERROR = 500
_INVALID, _BAD_REQUEST = 422, 400


def openai_embeddings(snapshot: Snapshot, request: OpenAIEmbeddingsRequest) -> OpenAIEmbeddings:
    """Answer POST /v1/embeddings with the vectors of POST /embeddings.

    Args:
        snapshot: the model.
        request: texts.

    Raises:
        ModelNotFoundError: another model is asked for.
        InvalidInputError: another length of the vectors is asked for.
    """
    encoder = snapshot.encoder
    if request.model not in (CURRENT_MODEL, encoder.version):
        message = (
            f"The model {request.model!r} does not exist: {CURRENT_MODEL!r} is the current one,"
            f" now {encoder.version!r}."
        )
        raise ModelNotFoundError(message, details={"field": "model"})
    if request.dimensions not in (None, encoder.dimension):
        message = f"dimensions: vectors of this model have {encoder.dimension} numbers"
        raise InvalidInputError(message, details={"field": "dimensions"})
    answer = embed(snapshot, EmbeddingsRequest(texts=request.input))
    tokens = sum(encoder.count_tokens(request.input))
    as_bytes = request.encoding_format == "base64"
    return OpenAIEmbeddings(
        data=[
            OpenAIEmbedding(index=row, embedding=_encoded(vector) if as_bytes else vector)
            for row, vector in enumerate(answer.embeddings)
        ],
        model=answer.model_version,
        usage=OpenAIUsage(prompt_tokens=tokens, total_tokens=tokens),
        warnings=[warning.replace("texts.", "input.", 1) for warning in answer.warnings],
    )


def _encoded(vector: list[float]) -> str:
    return base64.b64encode(np.asarray(vector, "<f4").tobytes()).decode("ascii")


def _error(problem: Problem) -> Response:
    first = problem.errors[0] if problem.errors else None
    is_ours = problem.status >= _FIRST_SERVER_ERROR
    detail = OpenAIErrorDetail(
        message=problem.detail,
        type="server_error" if is_ours else "invalid_request_error",
        param=first.field if first else None,
        code=problem.code,
    )
    status = _BAD_REQUEST if problem.status == _INVALID else problem.status
    body = OpenAIError(error=detail).model_dump_json()
    return Response(body, status, media_type="application/json")


OPENAI = Dialect("v1", _error)
