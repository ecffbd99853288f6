"""ONNX: reading a model as a graph, and writing it back with its nodes permuted."""

from hmcos.frontends.onnx.reading import load
from hmcos.frontends.onnx.writing import serialised

__all__ = ["load", "serialised"]
