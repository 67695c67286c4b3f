"""Fine-tunes one encoder for two tasks: sentiment and similarity."""
