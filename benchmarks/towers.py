"""Times picture towers beside torch with the same weights: ``python -m benchmarks.towers``.

Runs in the environment of training (.venv-train), because it needs torch and transformers. Decoding
and preparing a picture are part of every figure; each round times all of them in turns.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path
from statistics import median
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image
from transformers import (
    CLIPConfig,
    CLIPImageProcessor,
    CLIPModel,
    CLIPVisionModelWithProjection,
    pipeline,
)

from benchmarks.figures import Figure, Report, Target
from benchmarks.machine import usable_cores
from sagemaker_jobs.clip import samples
from sagemaker_jobs.clip.checkpoint import Checkpoint
from sagemaker_jobs.clip.compare import export
from sagemaker_jobs.clip.config import ClipConfig
from sagemaker_jobs.clip.preparation import read_preparation
from sagemaker_jobs.clip.towers import PictureTower
from sagemaker_jobs.pictures.backbone import load_backbone
from sagemaker_jobs.pictures.features import saved_config
from sagemaker_jobs.pictures.graph import PictureTower as LiteTower
from sagemaker_jobs.pictures.projection import load_projection
from shared.pictures.arrays import rgb_array
from shared.pictures.decode import decode
from shared.pictures.prepare import prepare
from shared.pictures.square import square_pixels
from shared.runtime.session import open_session
from shared.schemas import joint, picture_manifest
from shared.schemas.picture import Picture

_BATCH = 8
_SHIPPED = Path(__file__).parent.parent / "models" / "pictures"
_MUCH_FASTER = Target(2.5, at_least=True)

Encode = Callable[[Picture], object]


class Tower(NamedTuple):
    """What answers for one picture, the same in one thread, and what answers for several."""

    name: str
    one: Encode
    in_one_thread: Encode | None = None
    batch: Callable[[Sequence[Picture]], object] | None = None


def served(
    name: str, graph: Path, key: str, output: str, read: Callable[[Picture], object]
) -> Tower:
    """A graph, opened as in serving."""
    sessions = [open_session(graph, threads) for threads in (torch.get_num_threads(), 1)]

    def encode(number: int) -> Encode:
        return lambda picture: sessions[number].run([output], {key: read(picture)})

    return Tower(name, encode(0), encode(1))


def clip_towers(folder: Path) -> list[Tower]:
    """ViT-B/32 with random weights: ours in int8, torch, and the pipeline of transformers."""
    torch.manual_seed(0)
    model = CLIPModel(CLIPConfig()).eval()
    processor = CLIPImageProcessor()
    processor.save_pretrained(folder)
    how = read_preparation(Checkpoint(folder, {"model_type": "clip"}, "random"))
    path = folder / joint.PICTURE_TOWER
    inputs = [prepare(pixels, how)[None] for pixels in samples.pictures()]
    config = ClipConfig(source="random", sentiment_dir=folder, output_dir=folder)
    record = export(PictureTower(model), inputs, path, config).record
    alone = CLIPVisionModelWithProjection(model.config.vision_config).eval()
    alone.load_state_dict(model.state_dict(), strict=False)
    del model
    extract = pipeline("image-feature-extraction", model=alone, image_processor=processor)

    @torch.inference_mode()
    def in_torch(pictures: Sequence[Picture]) -> object:
        pixels = processor([rgb_array(each) for each in pictures], return_tensors="pt")
        return alone(**pixels).image_embeds.numpy()

    ours = served(
        f"ours, {record['precision']}", path, joint.PIXELS_INPUT, joint.VECTOR_OUTPUT,
        lambda picture: prepare(rgb_array(picture), how)[None],
    )  # fmt: skip
    return [
        ours,
        Tower("torch with the processor", lambda picture: in_torch([picture]), batch=in_torch),
        Tower(
            "transformers pipeline",
            lambda picture: extract(Image.open(BytesIO(picture.data))),
            batch=lambda pictures: extract(
                [Image.open(BytesIO(each.data)) for each in pictures], batch_size=_BATCH
            ),
        ),
    ]


def shipped_towers(runs: Path) -> list[Tower]:
    """The shipped tower, and torch with the weights that it was exported from."""
    record = (_SHIPPED / "manifest.json").read_bytes()
    size = picture_manifest.PictureManifest.model_validate_json(record).size
    settings = saved_config(runs / "pictures-features", runs)
    tower = LiteTower(load_backbone(settings), load_projection(runs / "pictures-learned"))

    @torch.inference_mode()
    def in_torch(pictures: Sequence[Picture]) -> object:
        return tower(torch.from_numpy(np.stack([square_pixels(each, size) for each in pictures])))

    ours = served(
        "ours, int8", _SHIPPED / "model.onnx", picture_manifest.PIXELS_INPUT,
        picture_manifest.EMBEDDING_OUTPUT, lambda picture: square_pixels(picture, size)[None],
    )  # fmt: skip
    return [ours, Tower("torch", lambda picture: in_torch([picture]), batch=in_torch)]


def pictures() -> list[Picture]:
    """Drawn pictures of 640 x 480, as they come from decoding."""
    drawn = []
    for pixels in samples.pictures():
        body = BytesIO()
        Image.fromarray(pixels).resize((640, 480)).save(body, "JPEG", quality=90)
        drawn.append(decode(body.getvalue()))
    return drawn


def milliseconds(tower: Tower, own: Sequence[Picture], passes: int) -> float:
    """The median time of one picture."""
    times = []
    for number in range(passes):
        started = time.perf_counter()
        tower.one(own[number % len(own)])
        times.append((time.perf_counter() - started) * 1000)
    return median(times)


def rate(tower: Tower, own: Sequence[Picture], passes: int) -> float:
    """Pictures per second: of torch in batches, of ours one by one in as many threads as cores."""
    queue = [own[number % len(own)] for number in range(passes)]
    started = time.perf_counter()
    if tower.batch is not None:
        for start in range(0, len(queue), _BATCH):
            tower.batch(queue[start : start + _BATCH])
    else:
        with ThreadPoolExecutor(torch.get_num_threads()) as pool:
            list(pool.map(tower.in_one_thread or tower.one, queue))
    return passes / (time.perf_counter() - started)


def measure(
    title: str, towers: Sequence[Tower], target: Target | None, rounds: int, passes: int
) -> Report:
    """Latencies and rates of all towers, and how much faster the first one is than the others."""
    own, report = pictures(), Report(title)
    for tower in towers:
        milliseconds(tower, own, 3)
    latencies: list[list[float]] = [[] for _ in towers]
    rates: list[list[float]] = [[] for _ in towers]
    for _ in range(rounds):
        for number, tower in enumerate(towers):
            latencies[number].append(milliseconds(tower, own, passes))
            rates[number].append(rate(tower, own, passes))
    pairs: list[tuple[Figure, Figure]] = []
    for tower, times, speeds in zip(towers, latencies, rates, strict=True):
        one = report.add(f"{tower.name}: one picture", "ms", times)
        pairs.append((one, report.add(f"{tower.name}: pictures", "per s", speeds)))
    for tower, (one, several) in [*zip(towers, pairs, strict=True)][1:]:
        report.compare(f"one picture: {tower.name} ÷ {towers[0].name}", one, pairs[0][0], target)
        report.compare(f"pictures/s: {towers[0].name} ÷ {tower.name}", pairs[0][1], several)
    report.notes.append(
        f"{passes} pictures of 640 x 480 a round; threads: {torch.get_num_threads()}; rates: torch"
        f" in batches of {_BATCH}, ours one by one in as many threads"
    )
    return report


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the tables of the towers; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.towers", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--passes", type=int, default=32, help="pictures of a round")
    parser.add_argument(
        "--runs",
        type=Path,
        help="runs folder of scripts/model/build_pictures.py: the shipped tower",
    )
    parser.add_argument("--threads", type=int, default=usable_cores(), help="of a pass (all cores)")
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)
    size = options.rounds, options.passes
    if options.runs is not None:
        towers = shipped_towers(options.runs)
        print(measure("Shipped picture tower", towers, None, *size).markdown(), "\n")
    with tempfile.TemporaryDirectory() as folder:
        towers = clip_towers(Path(folder))
        title = "Picture tower of CLIP ViT-B/32, random weights"
        print(measure(title, towers, _MUCH_FASTER, *size).markdown())
    return 0


if __name__ == "__main__":
    sys.exit(main())
