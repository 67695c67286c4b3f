"""Numbers in the log lines of a training; each line is a JSON object."""

LOGGED_METRICS = (
    *("epoch", "step", "steps", "seconds", "sentiment", "similarity"),
    *("validation_loss", "validation_accuracy", "validation_macro_f1"),
)
"""Progress, mean losses since the previous line, and validation metrics."""

METRIC_DEFINITIONS = [
    {"Name": name, "Regex": rf'"{name}": (-?[0-9.]+(?:[eE][-+]?[0-9]+)?)'}
    for name in LOGGED_METRICS
]
"""Metric definitions of SageMaker's CreateTrainingJob, which reads the values from the log."""
