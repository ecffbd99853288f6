"""Bundled networks: architectures from papers, as ONNX models and as problems."""

from hmcos.zoo.catalogue import build, defaults, names, parameter_bytes, problem

__all__ = ["build", "defaults", "names", "parameter_bytes", "problem"]
