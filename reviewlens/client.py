"""The client that waits for each answer."""

import time
from collections.abc import Mapping
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx

from reviewlens.bindings import method, paged_method
from reviewlens.calls import AnswerT, Call
from reviewlens.core import MAX_RESPONSE_BYTES, TIMEOUT_SECONDS, Body, Core, typed_errors
from reviewlens.errors import ApiError
from reviewlens.operations import analysis, collection, insights, monitoring, trainings
from reviewlens.pieces import Pieces
from reviewlens.retries import Retry
from reviewlens.uploads import (
    FormFile,
    Progress,
    check_response,
    check_target,
    file_size,
    ignore_progress,
    transfer_options,
)


class Client:
    """One API. It may be used from several threads; every error is an ApiError."""

    def __init__(
        self,
        url: str,
        *,
        api_key: str | None = None,
        region: str | None = None,
        signer: httpx.Auth | None = None,
        timeout: float = TIMEOUT_SECONDS,
        retry: Retry = Retry(),  # noqa: B008 - it is frozen
        max_response_bytes: int = MAX_RESPONSE_BYTES,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        """Prepare the client; it connects when the first call is sent.

        Args:
            url: base URL of the API.
            api_key: key of its usage plan, sent as ``x-api-key``.
            region: AWS region of the API, where its URL does not contain it.
            signer: signs calls that start work; by default made of the AWS credentials that
                botocore finds, for an API on AWS.
            timeout: seconds without a byte of an answer; connecting takes 5 seconds at most.
            retry: how often a call is sent, and the pauses in between.
            max_response_bytes: longer answers are refused.
            transport: takes the place of the network, in tests.
        """
        self._core = Core(url, api_key, region, signer, timeout, retry, max_response_bytes)
        self._http = httpx.Client(transport=transport, **self._core.options())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def send(self, call: Call[AnswerT]) -> AnswerT:
        """Send a call, again where that can help, and return its answer with all of its list.

        Raises:
            ApiError: of the last attempt.
        """
        pieces, answer = Pieces(call), self._attempt(call)
        while (following := pieces.add(answer)) is not None:
            answer = self._attempt(following)
        return pieces.joined(answer)

    def _attempt(self, call: Call[AnswerT]) -> AnswerT:
        for attempt in count(1):
            try:
                return self._exchange(call)
            except ApiError as error:
                delay = self._core.delay(call, error, attempt)
                if delay is None:
                    raise
            time.sleep(delay)
        raise AssertionError("the last attempt returns or raises")

    def _exchange(self, call: Call[AnswerT]) -> AnswerT:
        body = Body(call, self._core.max_response_bytes)
        auth = self._core.auth if call.signed else None
        with (
            typed_errors(call.name),
            self._http.stream(**self._core.request(call), auth=auth) as response,
        ):
            for piece in response.iter_bytes():
                body.add(piece)
        return self._core.answer(call, response.status_code, response.headers, bytes(body))

    analyze = method(analysis.analyze)
    analyze_batch = method(analysis.analyze_batch)
    review_pictures = method(analysis.review_pictures)
    search = method(analysis.search)
    embeddings = method(analysis.embeddings)
    build_index = method(analysis.build_index)

    products = paged_method(insights.products)
    product = method(insights.product)
    summary = method(insights.summary)
    reviews = paged_method(insights.reviews)
    linked_reviews = paged_method(insights.linked_reviews)
    trends = method(insights.trends)
    movers = method(insights.movers)
    overview = method(insights.overview)
    segments = method(insights.segments)
    aspects = method(insights.aspects)
    duplicates = paged_method(insights.duplicates)
    drift = method(insights.drift)

    sign_upload = method(collection.sign_upload)
    preview_upload = method(collection.preview_upload)
    collect = method(collection.collect)
    ingests = method(collection.ingests)
    ingest = method(collection.ingest)
    rejects = paged_method(collection.rejects)
    forget = method(collection.forget)
    forget_reviewer = method(collection.forget_reviewer)
    forget_product = method(collection.forget_product)
    exclusions = paged_method(collection.exclusions)
    exclusion = method(collection.exclusion)
    end_exclusion = method(collection.end_exclusion)
    process = method(collection.process)

    train = method(trainings.train)
    training = method(trainings.training)
    cancel_training = method(trainings.cancel_training)

    health = method(monitoring.health)
    service_health = method(monitoring.service_health)

    def upload(
        self,
        path: Path | str,
        *,
        filename: str | None = None,
        mapping: Mapping[str, str] | None = None,
        progress: Progress = ignore_progress,
    ) -> str:
        """Upload a dump; returns its key, by which ``ingests`` finds its ingest.

        Args:
            path: the file.
            filename: its name at the API; that of the file by default.
            mapping: field to column, where the dump has column names of its own.
            progress: called with the number of bytes sent so far.

        Raises:
            ApiError: the API does not sign the upload, or the bucket does not accept the file.
        """
        path = Path(path)
        size, filename = file_size(path), filename or path.name
        target = self.sign_upload(filename, size, mapping=mapping)
        check_target(self._core, target, size)
        with (
            typed_errors("upload"),
            path.open("rb") as file,
            httpx.Client(**transfer_options(self._core)) as bucket,
        ):
            form = FormFile(target.fields, filename, file, size, progress)
            response = bucket.post(target.url, content=iter(form), headers=form.headers)
        check_response(response)
        return target.key
