from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import hmcos
from hmcos.errors import InstanceError
from hmcos.memory.problem_builder import ProblemBuilder


def fork() -> ProblemBuilder:
    """Two branches: each makes a large buffer from the input, then a small one; the last adds both."""
    built = ProblemBuilder()
    built.add_input("image", 10)
    for branch in "ab":
        built.add(f"grow {branch}", reads=["image"], makes={f"large {branch}": 100})
        built.add(f"shrink {branch}", reads=[f"large {branch}"], makes={f"small {branch}": 10})
    built.add("add", reads=["small a", "small b"], makes={"sum": 10}, overwrites=["small a"], scratch=3)
    built.keep("sum")
    return built


def test_a_problem_by_name() -> None:
    assert fork().build() == hmcos.Problem(
        names=("grow a", "shrink a", "grow b", "shrink b", "add"),
        sizes=(10, 100, 10, 100, 10, 10),
        inputs=(0,),
        kept=(5,),
        reads=((0,), (1,), (0,), (3,), (2, 4)),
        makes=((1,), (2,), (3,), (4,), (5,)),
        may_overwrite=((), (), (), (), (2,)),
        scratch=(0, 0, 0, 0, 3),
        buffer_names=("image", "large a", "small a", "large b", "small b", "sum"),
    )
    assert repr(fork()) == "<ProblemBuilder: 5 operators, 6 buffers>"


def test_more_may_be_added_after_a_problem_was_built() -> None:
    built = fork()
    first = built.build()
    built.add("halve", reads=["sum", "sum"], makes={"half": 5})
    built.keep("half")
    built.keep("half")
    assert (first.operators, built.build().operators) == (5, 6)
    assert (built.build().reads[-1], built.build().kept) == ((5,), (5, 6))


def test_numbers_of_numpy_are_numbers() -> None:
    built = ProblemBuilder()
    built.add_input("x", np.int64(7))
    built.add("copy", reads=("x",), makes={"y": np.prod((2, 3))}, scratch=np.int32(1))
    assert (built.build().sizes, built.build().scratch) == ((7, 6), (1,))
    assert all(type(size) is int for size in (*built.build().sizes, *built.build().scratch))


class Wordless:
    """Something that cannot say what it is."""

    def __repr__(self) -> str:
        raise ValueError("no words")


def adding(*args: Any, **keywords: Any) -> Callable[[ProblemBuilder], None]:
    return lambda built: built.add(*args, **keywords)


WRONG: list[tuple[Callable[[ProblemBuilder], None], str]] = [
    (lambda b: b.add_input("image", 3), "input 'image': a buffer 'image' is there already, an input; choose"),
    (
        lambda b: b.add_input("sum", 3),
        "input 'sum': a buffer 'sum' is there already, made by operator 4 ('add'); choose another name",
    ),
    (lambda b: b.add_input("y", -1), "input 'y': bytes are whole numbers in 0..2**63-1, not -1"),
    (
        lambda b: b.add_input("y", 2**63),
        "input 'y': bytes are whole numbers in 0..2**63-1, not 92233720368547",
    ),
    (lambda b: b.add_input("y", True), "input 'y': bytes are whole numbers in 0..2**63-1, not True"),
    (lambda b: b.add_input("y", 1.5), "input 'y': bytes are whole numbers in 0..2**63-1, not 1.5"),  # pyright: ignore
    (lambda b: b.add_input(3, 1), "an input name must be text, not 3"),  # pyright: ignore
    (
        lambda b: b.keep("summ"),
        "keep 'summ', but no input or operator before makes such a buffer. Did you mean 'sum'?",
    ),
    (lambda b: b.keep([]), "keep [], but no input or operator before makes such a buffer."),  # pyright: ignore
    (
        adding("read", reads=["larg a"], makes={"y": 1}),
        "operator 5 ('read'): reads 'larg a', but no input or operator before makes such a buffer.",
    ),
    (
        adding("read", reads="image", makes={"y": 1}),
        "operator 5 ('read'): reads must be a list of names, not 'image'",
    ),
    (adding("read", reads=7, makes={"y": 1}), "operator 5 ('read'): reads must be a list of names, not 7"),
    (adding("read", reads=[["sum"]], makes={"y": 1}), "operator 5 ('read'): reads ['sum'], but no input"),
    (
        adding("make", makes=["y"]),
        "operator 5 ('make'): makes must map the names of buffers to their bytes, not",
    ),
    (adding("make", makes={"y": "1"}), "operator 5 ('make'): makes 'y': bytes are whole numbers in"),
    (
        adding("make", makes={"y": np.array([1, 2])}),
        "operator 5 ('make'): makes 'y': bytes are whole numbers in",
    ),
    (adding("make", makes={3: 1}), "operator 5 ('make'): makes a buffer, and its name must be text, not 3"),
    (
        adding("make", makes={"y": 1, "sum": 1}),
        "operator 5 ('make'): makes 'sum': a buffer 'sum' is there already, made by operator 4 ('add')",
    ),
    (adding("make", makes={"y": 1}, scratch=-2), "operator 5 ('make'): scratch: bytes are whole numbers in"),
    (
        adding("over", reads=["sum"], makes={"y": 1}, overwrites=["image"]),
        "operator 5 ('over'): overwrites 'image', which it does not read",
    ),
    (
        adding("over", reads=["sum"], makes={"y": 1, "z": 1}, overwrites=["sum"]),
        "operator 5 ('over'): what overwrites a buffer makes exactly one of more than 0 bytes, not 2",
    ),
    (
        adding("over", reads=["sum"], makes={"y": 0}, overwrites=["sum"]),
        "operator 5 ('over'): what overwrites a buffer makes exactly one of more than 0 bytes, not 0",
    ),
    (
        lambda b: b.add_input("y", 10**5000),
        "input 'y': bytes are whole numbers in 0..2**63-1, not a value of the type int",
    ),
    (lambda b: b.keep(10**5000), "keep a value of the type int, but no input"),  # pyright: ignore
    (adding("read", reads=Wordless(), makes={"y": 1}), "operator 5 ('read'): reads must be a list of names"),
    (adding(None, makes={"y": 1}), "an operator name must be text, not None"),
]


@pytest.mark.parametrize(("call", "message"), WRONG)
def test_a_wrong_call_says_what_is_wrong_and_changes_adding(
    call: Callable[[ProblemBuilder], None], message: str
) -> None:
    built = fork()
    with pytest.raises(InstanceError) as error:
        call(built)
    assert str(error.value).startswith(message)
    assert "\n" not in str(error.value)
    assert built.build() == fork().build()
