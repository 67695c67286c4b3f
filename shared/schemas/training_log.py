"""The numbers of a training's log lines, each line a JSON object."""

LOGGED = (
    *("epoch", "step", "steps", "seconds", "sentiment", "similarity"),
    *("validation_loss", "validation_accuracy", "validation_macro_f1"),
)
"""Progress, mean losses since the line before, and figures on validation."""

METRIC_DEFINITIONS = [
    {"Name": name, "Regex": rf'"{name}": (-?[0-9.]+(?:[eE][-+]?[0-9]+)?)'} for name in LOGGED
]
"""As SageMaker's CreateTrainingJob takes them: it reads the numbers from the log."""
