"""Fetches the pictures of a batch of reviews, and stores them with their vectors."""

import logging
from base64 import b64decode
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from urllib.parse import urlsplit

import numpy as np

from lambdas.review_pictures.embedder import Embedder
from lambdas.review_pictures.rate import HostRate
from shared.errors import ArtefactError, PictureError, UnavailableError
from shared.pictures.decode import decode
from shared.pictures.preview import preview_of
from shared.schemas.messages import FetchPictures, PicturesFetched
from shared.schemas.picture import Picture, PictureRequest
from shared.schemas.picture_hosts import check_host
from shared.schemas.pictures import OUTCOMES, KeptPicture, Outcome, PictureResults, WantedPicture
from shared.schemas.sentiment import Side
from shared.serving.opinions import agreed
from shared.serving.pictures import PictureReader
from shared.serving.query_pictures import Floats
from shared.storage import forgotten, layout
from shared.storage.objects import ObjectStore
from shared.storage.queues import MessageQueue
from shared.storage.review_pictures import read_results, read_vectors, write_vectors

log = logging.getLogger(__name__)
_PARALLEL = 4
_CACHED_VECTORS = 4096
_UNAVAILABLE = "picture_unavailable"
_REFUSALS = frozenset(
    {"address_invalid", "address_refused", "picture_too_large", "picture_type"},
)


@dataclass(frozen=True)
class PictureWorker:
    """Fetches pictures through the function that may do nothing else."""

    artefacts: ObjectStore
    reports: MessageQueue
    reader: PictureReader
    embedder: Callable[[], Embedder]
    """Opens the current model; raises PictureError where it has no vectors for pictures."""
    hosts: str
    rate: HostRate
    _vectors: OrderedDict[tuple[str, str], Floats] = field(default_factory=OrderedDict)
    """Vectors by model and content: many reviews show the same picture."""

    def fetch(self, message: FetchPictures, *, patient: bool = True) -> None:
        """Fetch, embed and store a batch; what is stored is not fetched or embedded again.

        Args:
            message: the batch.
            patient: whether a picture that cannot be read now fails the batch; otherwise it counts
                as failed, as it may be the reason.

        Raises:
            UnavailableError: pictures cannot be fetched or embedded now; deliver it again.
            ArtefactError: what is stored of the batch is damaged.
        """
        try:
            embedder = self.embedder()
        except PictureError as error:
            raise UnavailableError(error.message) from error
        version, place = embedder.model_version, (message.ingest_id, message.first)
        if forgotten.is_marked(self.artefacts, message.ingest_id):
            # an attempt before may have stored something: who gets the report removes it
            report = PicturesFetched(
                ingest_id=message.ingest_id, first=message.first, model_version=version
            )
            self.reports.send([report])
            return
        stored = read_results(self.artefacts, layout.picture_results(*place))
        if stored is None or not _is_of(stored, message):
            self._fetch(message, embedder, patient=patient)
        elif stored.fetched and not self._has_vectors(place, version):
            files = {each.sha256: self._stored(message.ingest_id, each) for each in stored.fetched}
            self._embed(place, embedder, [files[each.sha256] for each in stored.fetched])
        report = PicturesFetched(
            ingest_id=message.ingest_id,
            first=message.first,
            model_version=version,
            opinions=self._opinions(place, embedder),
        )
        self.reports.send([report])

    def _opinions(self, place: tuple[str, int], embedder: Embedder) -> dict[str, Side]:
        """What the pictures of each review say, from what is stored of the batch."""
        if embedder.opinions is None:
            return {}
        results = read_results(self.artefacts, layout.picture_results(*place))
        ids = [each.review_id for each in results.fetched] if results else []
        if not ids:
            return {}
        key = layout.picture_vectors(place[0], embedder.model_version, place[1])
        try:
            vectors = read_vectors(self.artefacts, key)
        except ArtefactError as error:
            log.warning("a batch of pictures says nothing: %s", error.message)
            return {}
        return agreed(zip(ids, embedder.opinions(vectors.astype(np.float32)), strict=True))

    def _has_vectors(self, place: tuple[str, int], version: str) -> bool:
        key = layout.picture_vectors(place[0], version, place[1])
        return any(info.key == key for info in self.artefacts.list(key))

    def _stored(self, ingest_id: str, kept: KeptPicture) -> Picture:
        """A picture from its file, which is as large as models need."""
        body, _ = self.artefacts.get(layout.picture_file(ingest_id, kept.sha256))
        return decode(body).model_copy(update={"sha256": kept.sha256})

    def _fetch(self, message: FetchPictures, embedder: Embedder, *, patient: bool) -> None:
        read = partial(self._read, patient=patient)
        urls = list(dict.fromkeys(each.url for each in message.pictures))
        with ThreadPoolExecutor(_PARALLEL) as pool:
            found = dict(zip(urls, pool.map(read, urls), strict=True))
        kept, fetched = [], []
        for each in message.pictures:
            picture = found[each.url]
            if isinstance(picture, PictureError):
                kept.append(_not_used(each, picture))
            else:
                sha256 = picture.sha256
                kept.append(KeptPicture(**each.model_dump(), outcome="fetched", sha256=sha256))
                fetched.append(picture)
        place = (message.ingest_id, message.first)
        self._embed(place, embedder, fetched)
        self._store_files(message.ingest_id, fetched)
        results = PictureResults(pictures=kept)
        # last: who finds it finds everything else
        self.artefacts.put(layout.picture_results(*place), results.model_dump_json().encode())
        counts = {str(name): results.count(name) for name in OUTCOMES}
        log.info("pictures fetched", extra={"ingest_id": message.ingest_id, **counts})

    def _embed(
        self, place: tuple[str, int], embedder: Embedder, pictures: Sequence[Picture]
    ) -> None:
        if pictures:
            vectors = np.stack([self._vector(embedder, each) for each in pictures])
            key = layout.picture_vectors(place[0], embedder.model_version, place[1])
            write_vectors(self.artefacts, key, vectors.astype(np.float16))

    def _store_files(self, ingest_id: str, pictures: Iterable[Picture]) -> None:
        for sha256, picture in {each.sha256: each for each in pictures}.items():
            file = b64decode(preview_of(picture).data)
            self.artefacts.put(layout.picture_file(ingest_id, sha256), file)

    def _read(self, url: str, *, patient: bool) -> Picture | PictureError:
        try:
            host = _host(url)
            check_host(host, self.hosts)
            self.rate.wait(host)
            return self.reader.read(PictureRequest(url=url, hosts=self.hosts))
        except PictureError as error:
            if patient and error.code == _UNAVAILABLE:
                raise UnavailableError(error.message) from error
            return error

    def _vector(self, embedder: Embedder, picture: Picture) -> Floats:
        key = (embedder.model_version, picture.sha256)
        if key not in self._vectors:
            self._vectors[key] = embedder.encode(picture)
            if len(self._vectors) > _CACHED_VECTORS:
                self._vectors.popitem(last=False)
        return self._vectors[key]


def _is_of(stored: PictureResults, message: FetchPictures) -> bool:
    """Whether the stored results are of this batch; some reviews may have been removed since."""
    wanted = {(each.review_id, each.url) for each in message.pictures}
    return wanted == {(each.review_id, each.url) for each in stored.pictures}


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def _not_used(wanted: WantedPicture, error: PictureError) -> KeptPicture:
    outcome: Outcome = "refused" if error.code in _REFUSALS else "failed"
    return KeptPicture(**wanted.model_dump(), outcome=outcome, reason=error.message)
