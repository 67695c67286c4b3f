"""Exports a trained encoder to one int8 ONNX graph with manifest."""
