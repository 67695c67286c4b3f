"""Publishes the model that the repository ships."""

from pathlib import Path


def publish(folder: Path) -> None:
    """Put the model of a folder into the artefact bucket."""
