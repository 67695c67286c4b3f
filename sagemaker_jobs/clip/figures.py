"""What an evaluation of the encoder says of a model that shares it for sentiments alone."""

_RETRIEVAL = "recall_at_"


def of_sentiment(figures: object) -> object:
    """The figures of a split without those of its embeddings."""
    if not isinstance(figures, dict):
        return figures
    return {name: value for name, value in figures.items() if not name.startswith(_RETRIEVAL)}
