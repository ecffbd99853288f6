"""ONNX Runtime: sessions, bound inputs, fused graphs and measured memory."""
