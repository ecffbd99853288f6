"""Tensor sizes, and what an operator reads and makes."""

from __future__ import annotations

import pytest

from hmcos.graph.graph import Operator, Tensor


@pytest.mark.parametrize(
    ("bits", "shape", "size"),
    [
        (32, (2, 3), 24),
        (32, (), 4),
        (4, (3,), 2),
        (2, (5,), 2),
        (6, (3,), 3),
        (8, (0, 7), 0),
        (128, (2,), 32),
    ],
)
def test_sizes_are_packed_and_rounded_up_to_bytes(bits: int, shape: tuple[int, ...], size: int) -> None:
    assert Tensor("t", "any", bits, shape).size == size


def test_a_tensor_that_is_read_twice_is_read_once() -> None:
    op = Operator(0, "", "Sum", "", (3, None, 1, 3), (4, None), captured=(1, 7))
    assert op.reads == (3, 1, 7)
    assert op.makes == (4,)
