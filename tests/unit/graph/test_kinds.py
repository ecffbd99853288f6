"""Facts about kinds."""

from __future__ import annotations

from hmcos.graph.kinds import is_constant, is_random


def test_dropout_is_random_in_training_only() -> None:
    assert is_random("Dropout", "", training=True)
    assert not is_random("Dropout", "", training=False)


def test_kinds_of_other_domains_are_other_kinds() -> None:
    assert is_random("RandomNormal", "ai.onnx", training=False)
    assert not is_random("RandomNormal", "com.example", training=True)
    assert is_constant("Constant", "")
    assert not is_constant("Constant", "com.example")
