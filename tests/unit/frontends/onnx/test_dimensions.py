"""Symbolic dimensions."""

from __future__ import annotations

import pytest

from hmcos.frontends.onnx.dimensions import evaluate, symbols

BOUND = {"h": 7, "w": 4, "batch size": 3, "a-b": 11}


@pytest.mark.parametrize(
    ("dimension", "size"),
    [
        ("h", 7),
        ("16*w", 64),
        ("floor(h/2)", 3),
        ("ceil(h/2) + 1", 5),
        ("ceiling(h / 2)", 4),
        ("h//2 - 1", 2),
        ("h % w", 3),
        ("h - w - 1", 2),
        ("2*(h + w)*3", 66),
        ("-h + 10", 3),
        ("Max(1, h - 9)", 1),
        ("min(h, w, 2)", 2),
        ("w/2", 2),
        ("12", 12),
        ("batch size", 3),
        ("a-b", 11),
    ],
)
def test_values(dimension: str, size: int) -> None:
    assert evaluate(dimension, BOUND) == size


@pytest.mark.parametrize(
    "dimension",
    [
        "n",
        "h/2",
        "h//0",
        "h %",
        "(h",
        "h)",
        "h h",
        "floor()",
        "min",
        "h.real",
        "__import__('os')",
        "?",
        "",
        ",",
        "(" * 100 + "h" + ")" * 100,
        "-" * 300 + "h",
        "+".join(["h"] * 1000),
    ],
)
def test_what_has_no_value(dimension: str) -> None:
    assert evaluate(dimension, BOUND) is None


def test_symbols_are_the_names_inside_expressions() -> None:
    assert symbols(["batch", "16*s77", "floor((h - 1)/2)", "batch", "max(h, 3)"]) == ("batch", "s77", "h")


def test_a_text_that_is_no_expression_is_a_name() -> None:
    assert symbols(["past-length", "a/b", "unk?", "12", "x y"]) == ("past-length", "a/b", "unk?", "x y")
    assert symbols(["past-length", "past", "length"]) == ("past", "length")
