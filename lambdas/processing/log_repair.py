"""Sets damaged small files aside: the log of activations, evaluations, verdicts, a stopped build.

No answer depends on them. What can be derived is written again when it is needed: the last entry of
the log from the pointer, a verdict by the gate, an evaluation when its model is registered.
"""

from collections.abc import Iterator

from shared.schemas.damage import Damage, StoppedBuild
from shared.schemas.gate import GateResult
from shared.storage import artefacts, quarantine, registry
from shared.storage.layout import ACTIVATIONS, STOPPED_BUILD, evaluations_prefix, gates_prefix
from shared.storage.objects import ObjectStore
from shared.storage.verify import check_evaluation, check_json

_SET_ASIDE = "it is set aside; it is written again when it is needed"


def check_logs(store: ObjectStore) -> None:
    """Read all of them, and set aside what is damaged."""
    for version in artefacts.versions(store, "model"):
        for digest in registry.evaluations(store, version):
            if damages := check_evaluation(store, version, digest):
                prefix = f"{evaluations_prefix(version)}{digest}/"
                quarantine.set_aside_folder(store, prefix, damages, _SET_ASIDE)
    damages = list(_damages(store))
    for damage in damages:
        quarantine.set_aside(store, store, damage, _SET_ASIDE)
    if any(damage.key.startswith(ACTIVATIONS) for damage in damages):
        current = artefacts.current_version(store, "model")
        if current is not None:
            registry.record_current(store, current)


def _damages(store: ObjectStore) -> Iterator[Damage]:
    for version in artefacts.versions(store, "model"):
        for info in list(store.list(gates_prefix(version))):
            if damage := check_json(store, info.key, GateResult):
                yield damage
    for info in list(store.list(ACTIVATIONS)):
        if damage := check_json(store, info.key, registry.Activation):
            yield damage
    stopped = check_json(store, STOPPED_BUILD, StoppedBuild)
    if stopped is not None and stopped.problem == "corrupt":
        yield stopped
