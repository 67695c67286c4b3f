"""Paths in the repository."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
"""The repository root, which contains the packages of the project."""
