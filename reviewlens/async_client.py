"""The client whose answers are awaited."""

from collections.abc import Mapping
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Self

import anyio
import anyio.to_thread
import httpx

from reviewlens.bindings import async_method, async_paged_method
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


class AsyncClient:
    """One API, for one event loop; every error is an ApiError."""

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
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """Prepare the client; the arguments are those of Client."""
        self._core = Core(url, api_key, region, signer, timeout, retry, max_response_bytes)
        self._http = httpx.AsyncClient(transport=transport, **self._core.options())

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def send(self, call: Call[AnswerT]) -> AnswerT:
        """Send a call, again where that can help, and return its answer with all of its list.

        Raises:
            ApiError: of the last attempt.
        """
        pieces, answer = Pieces(call), await self._attempt(call)
        while (following := pieces.add(answer)) is not None:
            answer = await self._attempt(following)
        return pieces.joined(answer)

    async def _attempt(self, call: Call[AnswerT]) -> AnswerT:
        for attempt in count(1):
            try:
                return await self._exchange(call)
            except ApiError as error:
                delay = self._core.delay(call, error, attempt)
                if delay is None:
                    raise
            await anyio.sleep(delay)
        raise AssertionError("the last attempt returns or raises")

    async def _exchange(self, call: Call[AnswerT]) -> AnswerT:
        body = Body(call, self._core.max_response_bytes)
        auth = await anyio.to_thread.run_sync(self._signer) if call.signed else None
        with typed_errors(call.name):
            async with self._http.stream(**self._core.request(call), auth=auth) as response:
                async for piece in response.aiter_bytes():
                    body.add(piece)
        return self._core.answer(call, response.status_code, response.headers, bytes(body))

    def _signer(self) -> httpx.Auth | None:
        return self._core.auth  # looking for credentials reads files and asks the network

    analyze = async_method(analysis.analyze)
    analyze_batch = async_method(analysis.analyze_batch)
    review_pictures = async_method(analysis.review_pictures)
    search = async_method(analysis.search)
    embeddings = async_method(analysis.embeddings)
    build_index = async_method(analysis.build_index)

    products = async_paged_method(insights.products)
    product = async_method(insights.product)
    summary = async_method(insights.summary)
    reviews = async_paged_method(insights.reviews)
    linked_reviews = async_paged_method(insights.linked_reviews)
    trends = async_method(insights.trends)
    movers = async_method(insights.movers)
    overview = async_method(insights.overview)
    segments = async_method(insights.segments)
    aspects = async_method(insights.aspects)
    duplicates = async_paged_method(insights.duplicates)
    drift = async_method(insights.drift)

    sign_upload = async_method(collection.sign_upload)
    preview_upload = async_method(collection.preview_upload)
    collect = async_method(collection.collect)
    ingests = async_method(collection.ingests)
    ingest = async_method(collection.ingest)
    rejects = async_paged_method(collection.rejects)
    forget = async_method(collection.forget)
    forget_reviewer = async_method(collection.forget_reviewer)
    forget_product = async_method(collection.forget_product)
    exclusions = async_paged_method(collection.exclusions)
    exclusion = async_method(collection.exclusion)
    end_exclusion = async_method(collection.end_exclusion)
    process = async_method(collection.process)

    train = async_method(trainings.train)
    training = async_method(trainings.training)
    cancel_training = async_method(trainings.cancel_training)

    health = async_method(monitoring.health)
    service_health = async_method(monitoring.service_health)

    async def upload(
        self,
        path: Path | str,
        *,
        filename: str | None = None,
        mapping: Mapping[str, str] | None = None,
        progress: Progress = ignore_progress,
    ) -> str:
        """Upload a dump; returns its key. The arguments are those of Client.upload."""
        path = Path(path)
        size, filename = file_size(path), filename or path.name
        target = await self.sign_upload(filename, size, mapping=mapping)
        check_target(self._core, target, size)
        file = await anyio.to_thread.run_sync(path.open, "rb")
        with typed_errors("upload"), file:
            form = FormFile(target.fields, filename, file, size, progress)
            async with httpx.AsyncClient(**transfer_options(self._core)) as bucket:
                response = await bucket.post(target.url, content=aiter(form), headers=form.headers)
        check_response(response)
        return target.key
