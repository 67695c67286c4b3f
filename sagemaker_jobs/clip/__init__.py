"""Exports both towers of a CLIP or SigLIP checkpoint, beside the encoder of a model, as a model."""
