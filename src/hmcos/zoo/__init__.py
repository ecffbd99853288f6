"""Bundled networks: architectures from papers, built as ONNX models."""
