"""Why a checkpoint cannot be imported."""


class CheckpointError(ValueError):
    """A checkpoint cannot be imported; names the file and what is allowed."""
