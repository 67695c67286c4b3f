"""Keys of the objects in the buckets. Only pointers ever change."""

import hashlib

UPLOADS = "uploads/"
WEB_UPLOADS = f"{UPLOADS}web/"
"""Prefix of uploads signed by the API."""
MAPPING_NAME = "mapping.json"
CLEAN_SHARDS = "reviews/"
PLANS = "plans/"
"""Prefix of the ranges of dumps that are read by several workers at once (clean bucket)."""
EMBEDDINGS = "embeddings/"
ACTIVATIONS = "activations/"
INDEXES = "indexes/"
SHARDS_FILE = "shards.json"
"""File of an index version: the names of the shards that it holds."""
PICTURES = "pictures/"
"""Prefix of the pictures of reviews (artefact bucket)."""
PICTURE_VECTORS = f"{PICTURES}vectors/"
FORGOTTEN = "forgotten/"
"""Prefix of the marks of undone uploads, which no index may hold (artefact bucket)."""
FORGOTTEN_ROWS = f"{FORGOTTEN}rows/"
"""Prefix of the marks of ingests whose shards were written again without some rows."""
STOPPED_BUILD = "indexes/stopped_build.json"
"""Why the last index build stopped; absent unless it did (artefact bucket)."""
QUARANTINE = "quarantine/"
"""Prefix of damaged objects and of the records about them (each bucket; records: artefacts)."""
OPEN_DAMAGES = f"{QUARANTINE}open/"
CHECKED = f"{QUARANTINE}checked.json"
"""Where the last check of stored objects ended (artefact bucket)."""
HEALED_DAMAGES = f"{QUARANTINE}healed/"
EVALUATION_FILES = ("evaluation.json", "predictions.parquet")
"""Files of an evaluation: its metrics, and the prediction of each row."""


def is_mapping(key: str) -> bool:
    """Return whether a key is a mapping: of a folder (mapping.json) or a dump (….mapping.json)."""
    name = key.rpartition("/")[2]
    return name == MAPPING_NAME or name.endswith(f".{MAPPING_NAME}")


def clean_prefix(ingest_id: str) -> str:
    """Prefix of the clean shards of an ingest (clean bucket)."""
    return f"{CLEAN_SHARDS}{ingest_id}/"


def clean_shard(ingest_id: str, part: int) -> str:
    """Parquet shard of clean reviews (clean bucket)."""
    return f"{clean_prefix(ingest_id)}part-{part:05d}.parquet"


def plan_prefix(ingest_id: str) -> str:
    """Prefix of the ranges of an ingest (clean bucket)."""
    return f"{PLANS}{ingest_id}/"


def rescoring_plan(model_version: str) -> str:
    """The shards that a new model is to score side by side (clean bucket)."""
    return f"{PLANS}models/{model_version}.json"


def text_prefix(ingest_id: str) -> str:
    """Prefix of the text of a compressed dump while its ranges are read (clean bucket)."""
    return f"{plan_prefix(ingest_id)}text/"


def forgotten(ingest_id: str) -> str:
    """Mark of an upload that is undone: an index build leaves its shards out (artefact bucket)."""
    return f"{FORGOTTEN}{ingest_id}.json"


def forgotten_rows(exclusion_id: str, ingest_id: str = "") -> str:
    """Mark of an ingest that lost the rows of a reviewer or product (artefact bucket)."""
    return f"{FORGOTTEN_ROWS}{exclusion_id}/{ingest_id}"


def part_number(key: str) -> int:
    """Part number of a shard of any kind within its ingest."""
    return int(key.rpartition("/part-")[2].partition(".")[0])


def embeddings_prefix(model_version: str) -> str:
    """Prefix of all embeddings made by a model version (artefact bucket)."""
    return f"{EMBEDDINGS}{model_version}/"


def pair_stem(model_version: str, ingest_id: str, part: int) -> str:
    """Common key of an embedding shard and its analysis shard, without ending."""
    return f"{embeddings_prefix(model_version)}{ingest_id}/part-{part:05d}"


def pair_name(stem: str, embedding_etag: str, analysis_etag: str) -> str:
    """Name of a pair of shards and its content in the list of an index."""
    return f"{stem}:{embedding_etag}:{analysis_etag}"


def embedding_shard(model_version: str, ingest_id: str, part: int) -> str:
    """float16 array, rows x dimension, row-aligned with the clean shard (artefact bucket)."""
    return f"{pair_stem(model_version, ingest_id, part)}.npy"


def analysis_shard(model_version: str, ingest_id: str, part: int) -> str:
    """Parquet of the columns in responses (SERVED_SCHEMA), row-aligned with the embedding shard."""
    return f"{pair_stem(model_version, ingest_id, part)}.parquet"


def picture_prefixes(ingest_id: str) -> list[str]:
    """Prefixes of all that is stored of the pictures of an ingest (artefact bucket)."""
    return [f"{PICTURES}{kind}/{ingest_id}/" for kind in ("files", "results", "vectors")]


def picture_results(ingest_id: str, first: int) -> str:
    """What became of a batch of pictures: JSON (artefact bucket)."""
    return f"{PICTURES}results/{ingest_id}/{first:012d}.json"


def picture_vectors(ingest_id: str, model_version: str, first: int) -> str:
    """float16 array with a row for each picture of a batch that was fetched (artefact bucket)."""
    return f"{PICTURE_VECTORS}{ingest_id}/{model_version}/{first:012d}.npy"


def picture_file(ingest_id: str, sha256: str) -> str:
    """A picture, encoded anew as a small JPEG, by the hash of its content (artefact bucket)."""
    return f"{PICTURES}files/{ingest_id}/{sha256}.jpg"


def version_prefix(kind: str, version: str) -> str:
    """Prefix of an immutable model or index version (artefact bucket)."""
    return f"{'models' if kind == 'model' else 'indexes'}/{version}/"


def pointer_key(kind: str) -> str:
    """Key of the pointer to the current version of a kind (artefact bucket)."""
    return f"pointers/{kind}.json"


def evaluations_prefix(version: str) -> str:
    """Prefix of a model's evaluations (artefact bucket)."""
    return f"{version_prefix('model', version)}evaluation/"


def evaluation_file(version: str, digest: str, name: str) -> str:
    """File of one evaluation of a model, named by the hash of its content (artefact bucket)."""
    return f"{evaluations_prefix(version)}{digest}/{name}"


def gates_prefix(version: str) -> str:
    """Prefix of the gate's verdicts on a model (artefact bucket)."""
    return f"{version_prefix('model', version)}gates/"


def gate_key(candidate: str, against: str) -> str:
    """The gate's verdict on a candidate against the version current then (artefact bucket)."""
    return f"{gates_prefix(candidate)}{against}.json"


def candidate_prefix(training_job: str) -> str:
    """Prefix of the candidate job's output for a training (artefact bucket)."""
    return f"candidates/{training_job}/"


def open_damage(bucket: str, key: str) -> str:
    """Record of a damaged or missing object that is not rebuilt yet (artefact bucket)."""
    digest = hashlib.sha256(f"{bucket}/{key}".encode()).hexdigest()
    return f"{OPEN_DAMAGES}{digest[:32]}.json"


def healed_damage(bucket: str, key: str, stamp: str) -> str:
    """The same record after the object was rebuilt (artefact bucket)."""
    return f"{HEALED_DAMAGES}{stamp}-{open_damage(bucket, key).removeprefix(OPEN_DAMAGES)}"


def quarantined(key: str, stamp: str) -> str:
    """Copy of a damaged object (the same bucket)."""
    return f"{QUARANTINE}objects/{stamp}/{key}"
