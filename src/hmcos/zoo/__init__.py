"""Networks from papers, written as ONNX."""
