"""ONNX Runtime: sessions, memory lent to it, and the memory that it takes."""
