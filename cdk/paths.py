"""Paths of the repository."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
"""The folder that holds the packages of the project."""
