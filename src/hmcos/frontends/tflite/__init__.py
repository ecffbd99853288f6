"""TensorFlow Lite: reading a model as a graph, and writing it back with its operators permuted."""

from hmcos.frontends.tflite.resized import load
from hmcos.frontends.tflite.writing import serialised

__all__ = ["load", "serialised"]
