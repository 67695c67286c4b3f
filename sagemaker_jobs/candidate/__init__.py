"""Makes a candidate of a training's result: export, evaluation, gate."""
