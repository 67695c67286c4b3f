"""The API, as the page asks it: typed answers, limits, and one sentence where something fails."""

import re
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal, TypeVar
from urllib.parse import parse_qsl, urlsplit

import httpx
from pydantic import BaseModel, ValidationError

from frontend_space import answers
from frontend_space.form import FormFile
from frontend_space.problems import (
    ApiError,
    RefusedError,
    UnreachableError,
    error_of,
)
from frontend_space.signing import SigV4, signer_for

MAX_TEXT = 10_000
MAX_BATCH = 64
_MAX_ANSWER_BYTES = 8 * 2**20
_TRIES = 3
_PAUSE_SECONDS = 0.3
_TIMEOUT = httpx.Timeout(30.0, connect=5.0)
_SENDING = httpx.Timeout(300.0, connect=5.0)
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_S3 = re.compile(r"(^|\.)s3[.-][a-z0-9.-]*amazonaws\.com(\.cn)?$")
_Kind = TypeVar("_Kind", bound=BaseModel)


class Client:
    """One API. Safe to use from several threads; every fault is an ApiError."""

    def __init__(
        self,
        url: str,
        *,
        key: str | None = None,
        region: str | None = None,
        signer: SigV4 | None = None,
    ) -> None:
        """Prepare it; nothing is asked yet.

        Args:
            url: base of the API.
            key: of its usage plan.
            region: AWS region of the API where its address does not tell it.
            signer: signs what starts work; made of the AWS credentials that are there, else.
        """
        self._url = url.rstrip("/")
        self._local = urlsplit(url).hostname in _LOOPBACK
        self._signer = signer or signer_for(self._url, region)
        self._http = httpx.Client(
            base_url=self._url,
            headers={"x-api-key": key} if key else {},
            timeout=_TIMEOUT,
            trust_env=not self._local,
            follow_redirects=False,
        )

    def close(self) -> None:
        """Let the connections go."""
        self._http.close()

    def health(self) -> answers.Health:
        """State of the API; an answer is all that it takes, whatever it says."""
        return self._get(answers.Health, "/health", "the state of the server")

    def analyze(self, text: str, *, image_url: str | None = None, top: int = 5) -> answers.Analysis:
        """Sentiment of a text, and reviews like it."""
        body = {"query_text": text, "top_k": top} | ({"image_url": image_url} if image_url else {})
        return self._read(answers.Analysis, "/analyze", body, "the analysis of texts")

    def analyze_batch(self, texts: list[str]) -> list[answers.TextAnalysis]:
        """Sentiment of up to 64 texts, in their order."""
        body = {"texts": texts}
        found = self._read(_Batch, "/analyze/batch", body, "the weighing of words")
        if len(found.results) != len(texts):
            raise UnreachableError("The server answered for other texts than it was asked.")
        return found.results

    def search(self, text: str, *, top: int, filters: Mapping[str, Any]) -> answers.Found:
        """Reviews like a text."""
        body = {"query_text": text, "top_k": top} | ({"filters": dict(filters)} if filters else {})
        return self._read(answers.Found, "/search_similar", body, "the search for similar reviews")

    def reviews(self, **filters: Any) -> answers.Stored:
        """A page of stored reviews."""
        found = self._get(_Rows, "/reviews", "stored reviews", filters)
        return answers.Stored(
            reviews=[answers.Review.model_validate(_told(row)) for row in found.reviews],
            next_cursor=found.next_cursor,
        )

    def follow(self, link: str, *, limit: int = 10) -> answers.Stored:
        """The reviews behind a figure, by the link that came with it.

        Raises:
            RefusedError: it leads elsewhere than to reviews of this API.
        """
        parts = urlsplit(link)
        if parts.scheme or parts.netloc or parts.path != "/reviews":
            raise RefusedError("The link to these reviews leads elsewhere and was not followed.")
        return self.reviews(**dict(parse_qsl(parts.query)) | {"limit": limit})

    def products(self, **filters: Any) -> answers.Products:
        """A page of products."""
        return self._get(answers.Products, "/products", "the table of products", filters)

    def product(self, product_id: str) -> answers.Product:
        """One product."""
        from urllib.parse import quote

        path = f"/products/{quote(product_id, safe='')}"
        return self._get(answers.Product, path, "the figures of a product")

    def trends(self, **filters: Any) -> answers.Trend:
        """Reviews over time."""
        return self._get(answers.Trend, "/trends", "trends over time", filters)

    def movers(self, **filters: Any) -> answers.Movers:
        """Products that changed."""
        return self._get(answers.Movers, "/movers", "the list of changes", filters)

    def segments(self, by: Literal["category", "source"]) -> answers.Segments:
        """Figures of each category, or of each source."""
        return self._get(answers.Segments, "/segments", "figures by segment", {"by": by})

    def aspects(self, **filters: Any) -> answers.Aspects:
        """What people praise and complain about."""
        return self._get(answers.Aspects, "/aspects", "aspects of reviews", filters)

    def duplicates(self, **filters: Any) -> answers.Duplicates:
        """Copied reviews."""
        return self._get(answers.Duplicates, "/duplicates", "the search for copies", filters)

    def ingest(self, ingest_id: str) -> answers.Ingest:
        """How far an ingest is."""
        return self._get(answers.Ingest, f"/collect/{ingest_id}", "the state of an upload")

    def ingest_of(self, key: str) -> answers.Ingest | None:
        """The newest ingest of an upload; None while nobody has heard of it."""
        what = "the state of an upload"
        found = self._get(answers.Ingests, "/collect", what, {"key": key}).ingests
        return next((one for one in found if one.key == key), None)

    def rejects(self, ingest_id: str, *, after: int = 0) -> answers.RejectPage:
        """Up to 1,000 refused rows."""
        path, query = f"/collect/{ingest_id}/rejects", {"after": after, "limit": 1000}
        return self._get(answers.RejectPage, path, "refused rows", query)

    def upload(
        self,
        path: Path,
        filename: str,
        mapping: Mapping[str, str] | None = None,
        progress: Callable[[int], None] = lambda _sent: None,
    ) -> str:
        """Send a dump where the API says; returns its key.

        Args:
            path: the file.
            filename: the name that the visitor gave it.
            mapping: field to column, where the dump has names of its own.
            progress: told the bytes that are sent.

        Raises:
            ApiError: the API signs no such upload, or its bucket does not take the bytes.
        """
        size = path.stat().st_size
        if size == 0:
            raise RefusedError("This file is empty.")
        body = {"filename": filename, "bytes": size} | (
            {"mapping": dict(mapping)} if mapping else {}
        )
        answer = self._send("POST", "/uploads", "uploads", json=body, auth=self._signer)
        target = _parsed(answers.UploadTarget, answer)
        self._check_target(target, size)
        with path.open("rb") as file:
            form = FormFile(target.fields, filename, file, size, progress)
            self._put(target.url, form)
        return target.key

    def _check_target(self, target: answers.UploadTarget, size: int) -> None:
        """Bytes go to the bucket of the configured API and to nobody else.

        An API on loopback has its bucket there, too; any other has it in S3, over TLS.
        """
        parts = urlsplit(target.url)
        host = parts.hostname or ""
        near = self._local and parts.scheme in {"http", "https"} and host in _LOOPBACK
        far = not self._local and parts.scheme == "https" and bool(_S3.search(host))
        if not (near or far) or parts.username or target.fields.get("key") != target.key:
            raise RefusedError("The server named a place for the file that is not its own bucket.")
        if size > target.max_bytes:
            raise RefusedError(f"This file is longer than the {target.max_bytes:,} bytes allowed.")

    def _put(self, url: str, form: FormFile) -> None:
        try:
            # a client of its own: the API's key is not for the bucket
            answer = httpx.post(
                url,
                content=iter(form),
                headers=form.headers,
                timeout=_SENDING,
                follow_redirects=False,
                trust_env=not self._local,
            )
        except httpx.HTTPError as error:
            raise UnreachableError("The upload broke off. Please try again.") from error
        if not answer.is_success:
            told = f"The bucket did not take the file (HTTP {answer.status_code})."
            raise RefusedError(told)

    def _get(
        self, kind: type[_Kind], path: str, what: str, query: Mapping[str, Any] | None = None
    ) -> _Kind:
        params = {name: value for name, value in (query or {}).items() if value not in (None, "")}
        return _parsed(kind, self._retried("GET", path, what, params=params))

    def _read(self, kind: type[_Kind], path: str, body: Mapping[str, Any], what: str) -> _Kind:
        """A POST that changes nothing and so may be asked twice."""
        return _parsed(kind, self._retried("POST", path, what, json=dict(body)))

    def _retried(self, method: str, path: str, what: str, **named: Any) -> bytes:
        for left in reversed(range(_TRIES)):
            try:
                return self._send(method, path, what, **named)
            except ApiError as error:
                if not left or not error.retryable:
                    raise
            time.sleep(_PAUSE_SECONDS * (_TRIES - left))
        raise AssertionError("the last try returns or raises")

    def _send(self, method: str, path: str, what: str, **named: Any) -> bytes:
        auth = named.pop("auth", None)
        try:
            with self._http.stream(method, path, auth=auth, **named) as answer:
                body = _bounded(answer)
        except httpx.TimeoutException as error:
            raise UnreachableError("The server took too long. Please try again.") from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise UnreachableError("The server cannot be reached. Please try again.") from error
        if not answer.is_success:
            raise error_of(answer.status_code, body, what)
        return body


class _Batch(BaseModel):
    results: list[answers.TextAnalysis]


class _Rows(BaseModel):
    reviews: list[dict[str, Any]]
    next_cursor: str | None = None


def _told(row: Mapping[str, Any]) -> dict[str, Any]:
    """A stored review in the words of a found one."""
    return {**row, "review_text": row.get("text", "")}


def _bounded(answer: httpx.Response) -> bytes:
    body = bytearray()
    for piece in answer.iter_bytes():
        body += piece
        if len(body) > _MAX_ANSWER_BYTES:
            raise UnreachableError("The server's answer is too long to show.")
    return bytes(body)


def _parsed(kind: type[_Kind], body: bytes) -> _Kind:
    try:
        return kind.model_validate_json(body)
    except ValidationError as error:
        raise UnreachableError("The server's answer cannot be understood.") from error
