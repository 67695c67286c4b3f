"""Turns a training's result into a candidate: export, evaluation, gate."""
