"""Steps of the flow that promotes a trained model to the current one."""
