"""A model with two branches: its embedding stays that of the base encoder."""

import copy

from torch import Tensor, nn

from sagemaker_jobs.train.encoder import ReviewEncoder, encoder_layers, mean_pool

_FAR = -1e4
"""Added to the attention to padding."""


class BranchedEncoder(ReviewEncoder):
    """An encoder whose first layers are shared and unchanged.

    Above them, the layers of the base encoder, unchanged as well (``branch``), give the embedding,
    and a trained copy of them (in ``encoder``) gives the sentiment.
    """

    def __init__(self, encoder: nn.Module, shared_layers: int) -> None:
        config, layers = encoder.config, encoder_layers(encoder)
        if config.model_type != "bert" or shared_layers >= len(layers):
            raise ValueError(
                "shared_layers: must be null or less than the layers of a BERT encoder; this one"
                f" is {config.model_type} and has {len(layers)}"
            )
        sizes = config.hidden_size, config.vocab_size
        super().__init__(encoder, *sizes, with_tokens=True, with_wide=False)
        config.shared_layers = self._shared = shared_layers
        self.branch = copy.deepcopy(layers[shared_layers:])
        for part in (self.branch, encoder.embeddings, *layers[:shared_layers]):
            part.requires_grad_(False)

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> tuple[Tensor, ...]:
        """Embeddings (b, d) of unit length, logits (b, 3), logits of each token (b, t, 3)."""
        states = self.encoder(
            input_ids=input_ids, attention_mask=attention_mask, output_hidden_states=True
        ).hidden_states
        vectors = states[self._shared]
        bias = (1.0 - attention_mask[:, None, None, :].to(vectors.dtype)) * _FAR
        for layer in self.branch:
            output = layer(vectors, bias)
            vectors = output if isinstance(output, Tensor) else output[0]
        embedding = self.embedding(mean_pool(vectors, attention_mask))
        return embedding, *self.sentiment(states[-1], input_ids, attention_mask)
