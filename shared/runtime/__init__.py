"""The encoder on ONNX Runtime: one pass gives embedding and sentiment."""
