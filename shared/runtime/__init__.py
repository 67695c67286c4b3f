"""The encoder on ONNX Runtime: embeddings and sentiments in one pass."""
