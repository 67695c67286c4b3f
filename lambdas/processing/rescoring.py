"""The steps that score all stored reviews with a new model, side by side, before it is current.

The map in cdk/flows/training.asl.json runs them. They leave to the activation what they do not
score: it scores what is missing, builds the index and moves the pointers.
"""

import json
import logging
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from lambdas.processing.dependencies import Dependencies
from shared.errors import ArtefactError, NotFoundError
from shared.schemas.formats import FormatError
from shared.schemas.invocations import refusing_invalid_events
from shared.schemas.messages import ProcessShard
from shared.scoring.stored import score_stored, unscored_shards
from shared.storage import artefacts, layout

log = logging.getLogger(__name__)


class _Item(BaseModel):
    """A shard to score, and the model."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())

    model_version: str = Field(min_length=1)
    shard: ProcessShard


class _PlanStep(BaseModel):
    """List the shards that a model has not scored."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())

    step: Literal["plan"]
    model_version: str = Field(min_length=1)


class _ScoreStep(BaseModel):
    """Score one of them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    step: Literal["score"]
    item: _Item


_STEP: TypeAdapter[_PlanStep | _ScoreStep] = TypeAdapter(
    Annotated[_PlanStep | _ScoreStep, Field(discriminator="step")]
)


def run_step(dependencies: Dependencies, event: dict[str, Any]) -> dict[str, Any]:
    """Run one step; it can be repeated.

    Raises:
        InvalidInputError: the event is invalid; names the field.
        ReviewlensError: the step failed. The state machine retries if the error is that something
            is unavailable.
    """
    with refusing_invalid_events():
        step = _STEP.validate_python(event)
    if isinstance(step, _PlanStep):
        return _plan(dependencies, step.model_version)
    return _score(dependencies, step.item)


def _plan(dependencies: Dependencies, version: str) -> dict[str, Any]:
    """List the unscored shards in the clean bucket, if there are enough of them.

    Returns:
        ``shards``, their number, or 0 if the activation alone is as fast; ``bucket`` and ``items``,
        the bucket and key of the list.

    Raises:
        NotFoundError: there is no such model.
        UnavailableError: the database or a bucket does not answer.
    """
    manifest = artefacts.read_manifest(dependencies.artefacts, "model", version)
    # scores of an adapted or fused model follow from stored ones, which takes no time
    derived = "embeddings_of" in manifest.parameters
    shards = (
        [] if derived else unscored_shards(dependencies.database, dependencies.artefacts, version)
    )
    key = layout.rescoring_plan(version)
    answer = {"bucket": dependencies.clean.bucket, "items": key, "shards": len(shards)}
    if len(shards) < dependencies.rescoring_shards:
        log.info("version=%s shards=%d: left to the activation", version, len(shards))
        return answer | {"shards": 0}
    items = [_Item(model_version=version, shard=shard).model_dump(mode="json") for shard in shards]
    dependencies.clean.put(key, json.dumps(items).encode())
    log.info("version=%s shards=%d: to be scored side by side", version, len(shards))
    return answer


def _score(dependencies: Dependencies, item: _Item) -> dict[str, Any]:
    """Score one shard.

    Returns:
        ``rows``; if it was not scored, 0 and the ``reason``.

    Raises:
        NotFoundError: there is no such model.
        ArtefactError: the model is corrupt, or cannot serve here.
        FormatError: this release does not read the format of the clean shard.
        UnavailableError: the database or a bucket does not answer.
    """
    encoder, parallel = dependencies.open_model(item.model_version)
    second = dependencies.second
    cascade = second.cascade(wait=True) if second else None
    try:
        rows, _ = score_stored(
            dependencies.database,
            dependencies.clean,
            dependencies.artefacts,
            encoder,
            item.shard,
            cascade=cascade,
            parallel=parallel,
        )
    except FormatError:
        raise
    except (NotFoundError, ArtefactError) as error:
        log.warning("skipped %s: %s", item.shard.key, error.message)
        return {"rows": 0, "reason": "the clean shard is lost or damaged"}
    if rows is None:
        return {"rows": 0, "reason": "it is being processed or was replaced"}
    return {"rows": rows}
