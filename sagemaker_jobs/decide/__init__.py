"""Fits the rules from probabilities to labels on sources that a model was not trained on."""
