"""Steps of the flow that makes a training's result the current model."""
