"""Where things stand in the buckets. Everything but pointers is written once and never changed."""

UPLOADS = "uploads/"
WEB_UPLOADS = f"{UPLOADS}web/"
"""Where uploads go that the API signs."""
EMBEDDINGS = "embeddings/"
ACTIVATIONS = "activations/"
STOPPED_BUILD = "indexes/stopped_build.json"
"""Why the last index build stopped; absent unless it did (artefact bucket)."""
EVALUATION_FILES = ("evaluation.json", "predictions.parquet")
"""What an evaluation consists of: figures, and what was said of each row."""


def clean_prefix(ingest_id: str) -> str:
    """Prefix of the clean shards of an ingest (clean bucket)."""
    return f"reviews/{ingest_id}/"


def clean_shard(ingest_id: str, part: int) -> str:
    """Parquet shard of clean reviews (clean bucket)."""
    return f"{clean_prefix(ingest_id)}part-{part:05d}.parquet"


def part_of(key: str) -> int:
    """Which part of its ingest a shard is, whatever kind of shard."""
    return int(key.rpartition("/part-")[2].partition(".")[0])


def embeddings_prefix(model_version: str) -> str:
    """Prefix of everything that a model version embedded (artefact bucket)."""
    return f"{EMBEDDINGS}{model_version}/"


def embedding_shard(model_version: str, ingest_id: str, part: int) -> str:
    """float16 array, rows x dimension, row-aligned with the clean shard (artefact bucket)."""
    return f"{embeddings_prefix(model_version)}{ingest_id}/part-{part:05d}.npy"


def analysis_shard(model_version: str, ingest_id: str, part: int) -> str:
    """Parquet of what answers show (SERVED_SCHEMA), row-aligned with the array beside it."""
    return f"{embeddings_prefix(model_version)}{ingest_id}/part-{part:05d}.parquet"


def version_prefix(kind: str, version: str) -> str:
    """Prefix of an immutable model or index version (artefact bucket)."""
    return f"{'models' if kind == 'model' else 'indexes'}/{version}/"


def pointer_key(kind: str) -> str:
    """The object that names the current version of a kind (artefact bucket)."""
    return f"pointers/{kind}.json"


def evaluations_prefix(version: str) -> str:
    """Prefix of all that evaluating a model gave (artefact bucket)."""
    return f"{version_prefix('model', version)}evaluation/"


def evaluation_file(version: str, digest: str, name: str) -> str:
    """A file of one evaluation of a model, which is named by its content (artefact bucket)."""
    return f"{evaluations_prefix(version)}{digest}/{name}"


def gate_key(candidate: str, against: str) -> str:
    """The gate's verdict on a candidate against the version that was current (artefact bucket)."""
    return f"{version_prefix('model', candidate)}gates/{against}.json"


def candidate_prefix(training_job: str) -> str:
    """Prefix of what the candidate job made of a training (artefact bucket)."""
    return f"candidates/{training_job}/"
