"""A model artefact opened for evaluation; needs neither torch nor transformers."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import onnxruntime as ort

from sagemaker_jobs.evaluate.metrics import Floats
from shared.aspects.sentences import kind_of
from shared.runtime import tokens
from shared.runtime.decisions import Decided, decide_each
from shared.runtime.identities import replace_identities, reread
from shared.runtime.probabilities import softmax
from shared.runtime.session import open_session
from shared.runtime.spans import TOKENS_OUTPUT, TokenLogits, token_ids_and_characters
from shared.schemas.decisions import Kind
from shared.schemas.manifest import Manifest
from shared.schemas.sentiment import LABELS

_BATCH = 16


def encode(
    session: ort.InferenceSession, ids: Sequence[Sequence[int]], size: int = _BATCH
) -> tuple[Floats, Floats]:
    """Embeddings (n, d) and logits (n, 3) of tokenised texts, in their order.

    Args:
        session: The graph.
        ids: Token ids of n texts, at least one.
        size: Texts per pass, of similar lengths. Dynamic int8 quantises a whole pass by one scale:
            for such a version a text's result is independent of the other texts only with 1.
    """
    order = sorted(range(len(ids)), key=lambda row: len(ids[row]))
    parts = []
    for start in range(0, len(order), size):
        batch, mask = tokens.pad([ids[row] for row in order[start : start + size]])
        feed = {"input_ids": batch, "attention_mask": mask}
        parts.append(session.run(["embedding", "logits"], feed))
    inverse = np.argsort(order)
    embeddings, logits = (np.concatenate(column)[inverse] for column in zip(*parts, strict=True))
    return embeddings, logits


class Read(NamedTuple):
    """What a model reads of n texts.

    Token ids, truncated; numbers of tokens before that (n); embeddings (n, d); logits (n, 3).
    """

    ids: list[list[int]]
    lengths: npt.NDArray[np.int64]
    embeddings: Floats
    logits: Floats


class ScoredModel:
    """A folder with model.onnx, tokenizer.json and manifest.json.

    Raises:
        FileNotFoundError: one of the three is missing.
        ValueError: the manifest is not that of a model, has other labels or a joint space.
    """

    def __init__(self, folder: Path, threads: int = 0) -> None:
        for name in ("manifest.json", "model.onnx", "tokenizer.json"):
            if not (folder / name).is_file():
                raise FileNotFoundError(f"model_dir {folder} has no {name}")
        self.folder = folder
        self.manifest = Manifest.model_validate_json((folder / "manifest.json").read_bytes())
        if self.manifest.labels != list(LABELS):
            raise ValueError(f"model_dir {folder}: the labels are not {', '.join(LABELS)}")
        if self.manifest.joint is not None:
            raise ValueError(
                f"model_dir {folder}: its sentiments are those of {self.manifest.joint.sentiment}:"
                " evaluate that"
            )
        self.session = open_session(folder / "model.onnx", threads)
        self._tokenizer = tokens.load_tokenizer(folder / "tokenizer.json")

    @property
    def vocabulary(self) -> int:
        """Number of token ids."""
        return int(self._tokenizer.get_vocab_size())

    @property
    def has_tokens(self) -> bool:
        """Whether the graph has logits of tokens."""
        return TOKENS_OUTPUT in {output.name for output in self.session.get_outputs()}

    @property
    def bytes(self) -> dict[str, int]:
        """Size of each file that serving loads."""
        names = ("model.onnx", "tokenizer.json")
        return {name: (self.folder / name).stat().st_size for name in names}

    def tokenise(self, texts: Sequence[str]) -> tuple[list[list[int]], npt.NDArray[np.int64]]:
        """Token ids, truncated as in serving, and the number of tokens before truncation."""
        whole = tokens.tokenise(self._tokenizer, texts)
        limit = self.manifest.max_tokens or tokens.MAX_TOKENS
        truncated = [tokens.truncate(ids, limit, self.manifest.tail_tokens) for ids in whole]
        return truncated, np.array([len(ids) for ids in whole])

    def read(self, texts: Sequence[str], size: int = _BATCH) -> Read:
        """Encode n texts, at least one, as serving does: ``size`` of them in a pass.

        The logits of a text with words for identities are those of the text with a neutral word.
        """
        again = reread(texts)
        ids, lengths = self.tokenise([*texts, *again.texts])
        embeddings, logits = encode(self.session, ids, size)
        end = len(texts)
        return Read(ids[:end], lengths[:end], embeddings[:end], logits[again.sources(end)])

    def read_tokens(self, texts: Sequence[str]) -> list[TokenLogits]:
        """The logits of the tokens of each text, of a model that has them; as ``read`` does."""
        replaced = [replace_identities(text) for text in texts]
        whole, places = token_ids_and_characters(self._tokenizer, [text for text, _ in replaced])
        limits = self.manifest.max_tokens or tokens.MAX_TOKENS, self.manifest.tail_tokens
        ids = [tokens.truncate(each, *limits) for each in whole]
        characters = [tokens.truncate(each, *limits) for each in places]
        order = sorted(range(len(ids)), key=lambda row: len(ids[row]))
        logits: list[Floats] = [np.empty((0, len(LABELS)), np.float32)] * len(ids)
        for start in range(0, len(order), _BATCH):
            rows = order[start : start + _BATCH]
            batch, mask = tokens.pad([ids[row] for row in rows])
            feed = {"input_ids": batch, "attention_mask": mask}
            (read,) = self.session.run([TOKENS_OUTPUT], feed)
            for row, values in zip(rows, read, strict=True):
                logits[row] = values[: len(ids[row])]
        return [
            TokenLogits(values, each.characters(np.asarray(own, np.int64)))
            for values, own, each in zip(logits, characters, replaced, strict=True)
        ]

    def predict(self, texts: Sequence[str]) -> Floats:
        """Probabilities (n, 3) of texts, encoded one by one so that texts are independent."""
        if not texts:
            return np.empty((0, len(LABELS)), np.float32)
        return softmax(self.read(texts, size=1).logits)

    def record(self, metrics: Mapping[str, object], abstain: Mapping[str, object] | None) -> None:
        """Write metrics and the abstain threshold into the manifest; other fields stay."""
        path = self.folder / "manifest.json"
        manifest = json.loads(path.read_text(encoding="utf-8"))
        manifest["metrics"] = dict(metrics)
        if abstain is not None:
            manifest.setdefault("parameters", {})["abstain"] = dict(abstain)
        path.write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")


@dataclass(frozen=True)
class Reader:
    """A model that decides texts of one kind or, without a kind, each as POST /analyze does."""

    model: ScoredModel
    kind: Kind | None = None

    def decide(self, texts: Sequence[str]) -> Decided:
        """What users get for texts, which are encoded one by one."""
        kinds = [self.kind or kind_of(text) for text in texts]
        return decide_each(self.model.manifest.decisions, kinds, self.model.predict(texts))
