from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from hmcos.errors import InstanceError
from hmcos.memory.instance import parse_instance, read_instance, write_instance
from hmcos.memory.problem import Problem

SMALL = Problem(
    names=("conv", 'a "quoted"\nname é'),
    sizes=(4, 8, 8),
    inputs=(0,),
    kept=(2,),
    reads=((0,), (1,)),
    makes=((1,), (2,)),
    may_overwrite=((), (1,)),
    scratch=(3, 0),
)
TEXT = """{"format": "hmcos-instance/1",
 "buffers": [4,8,8],
 "inputs": [0],
 "kept": [2],
 "operators": [
  {"name": "conv", "reads": [0], "makes": [1], "scratch": 3},
  {"name": "a \\"quoted\\"\\nname \\u00e9", "reads": [1], "makes": [2], "may_overwrite": [1]}]}
"""
EMPTY: dict[str, Any] = {
    "format": "hmcos-instance/1",
    "buffers": [],
    "inputs": [],
    "kept": [],
    "operators": [],
}


def instance(**changes: object) -> str:
    """SMALL with some of its top-level keys changed, or removed when None."""
    data = {**json.loads(TEXT), **changes}
    return json.dumps({key: value for key, value in data.items() if value is not None})


def with_operator(**changes: object) -> str:
    """SMALL with some keys of its second operator changed, or removed when None."""
    data = json.loads(TEXT)
    operator = {**data["operators"][1], "name": "relu", **changes}
    data["operators"][1] = {key: value for key, value in operator.items() if value is not None}
    return json.dumps(data)


def test_text_is_canonical() -> None:
    assert write_instance(SMALL) == TEXT
    assert parse_instance(TEXT) == SMALL


def test_a_problem_without_operators_is_an_instance() -> None:
    problem = parse_instance(json.dumps({**EMPTY, "buffers": [7], "inputs": [0]}))
    assert problem.operators == 0
    assert parse_instance(write_instance(problem)) == problem


def test_names_that_are_no_valid_unicode_survive() -> None:
    text = with_operator(name="\ud800")
    assert write_instance(parse_instance(text)).isascii()
    assert parse_instance(write_instance(parse_instance(text))).names[1] == "\ud800"


def test_optional_keys_may_be_written_out() -> None:
    assert parse_instance(with_operator(may_overwrite=[], scratch=0)).may_overwrite == ((), ())


def test_buffers_may_have_names() -> None:
    problem = parse_instance(instance(buffer_names=["image", "", "x\n"]))
    assert [problem.buffer_name(b) for b in range(3)] == ["image", "buffer 1", "x\n"]
    assert parse_instance(write_instance(problem)) == problem
    assert "buffer_names" not in write_instance(SMALL)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "not JSON"),
        (TEXT[:100], "is the file complete?"),
        ("[" * 100_000, "nested too deeply"),
        ('{"a":' * 100_000, "nested too deeply"),
        ("[1]", "an instance is a JSON object, not a list"),
        ("null", "an instance is a JSON object, not null"),
        ('{"format": "x", "format": "x"}', 'key "format" appears twice'),
        (instance(format="hmcos-instance/2"), '"format" is "hmcos-instance/2"'),
        (instance(format=None), '"format" is null'),
        (instance(kept=None), 'key "kept" is missing'),
        (instance(colour=1), 'unknown key "colour"; there are buffer_names, buffers'),
        (instance(buffers=3), '"buffers" must be a list of integers, not 3'),
        (instance(buffers=[4, 8, True]), '"buffers" must hold integers only, not true'),
        (instance(buffers=[4, 8, 8.0]), '"buffers" must hold integers only, not 8.0'),
        (instance(buffers=[4, 8, "8"]), '"buffers" must hold integers only, not "8"'),
        (instance(buffers=[4, 8, -1]), "buffer 2: size -1"),
        (instance(buffer_names=["a", "b"]), "2 entries in buffer_names, but 3 buffers"),
        (instance(buffer_names="abc"), '"buffer_names" must be a list of texts, not "abc"'),
        (instance(buffer_names=["a", 2, "c"]), '"buffer_names" must hold texts only, not 2'),
        (instance(buffers=[4, 8, 2**63]), "buffer 2: size 9223372036854775808"),
        ('{"format": "hmcos-instance/1", "buffers": [' + "9" * 5000 + "]}", "too many digits"),
        (instance(buffers=[4, 8, 10**4000]), "buffer 2: size"),
        (instance(inputs=[0, 0]), "inputs: a buffer is listed twice"),
        (instance(inputs=[0, 9]), "inputs: buffer 9 does not exist"),
        (instance(inputs=[]), "operator 0 ('conv'): reads buffer 0 before anything makes it"),
        (instance(operators={}), '"operators" must be a list, not an object'),
        (instance(operators=["x" * 99]), 'operator 0: must be an object, not "xxx'),
        (with_operator(name=3), 'operator 1: "name" must be text, not 3'),
        (with_operator(reads=None), "operator 1 ('relu'): key \"reads\" is missing"),
        (with_operator(read=[1]), "operator 1 ('relu'): unknown key \"read\""),
        (with_operator(scratch=1.5), "operator 1 ('relu'): \"scratch\" must be an integer, not 1.5"),
        (with_operator(scratch=-1), "operator 1 ('relu'): scratch -1"),
        (with_operator(scratch=False), "operator 1 ('relu'): \"scratch\" must be an integer, not false"),
        (
            with_operator(makes=[1, 2]),
            "operator 1 ('relu'): makes buffer 1, which is an input or already made",
        ),
        (with_operator(may_overwrite=[0]), "operator 1 ('relu'): may_overwrite lists a buffer"),
        (with_operator(reads=[1, None]), "operator 1 ('relu'): \"reads\" must hold integers only, not null"),
    ],
)
def test_what_is_wrong_is_named(text: str, message: str) -> None:
    with pytest.raises(InstanceError) as raised:
        parse_instance(text, "net.json")
    assert str(raised.value).startswith("net.json: ")
    assert message in str(raised.value)
    assert "\n" not in str(raised.value) and len(str(raised.value)) < 250


def test_files_are_read(tmp_path: Path) -> None:
    (tmp_path / "net.json").write_text(TEXT)
    assert read_instance(tmp_path / "net.json") == SMALL
    assert read_instance(str(tmp_path / "net.json")) == SMALL


def test_unreadable_files_are_named(tmp_path: Path) -> None:
    (tmp_path / "binary").write_bytes(b"\xff\xfe{}")
    for path, reason in (
        (tmp_path, "Is a directory"),
        (tmp_path / "missing.json", "No such file"),
        (tmp_path / "binary", "not UTF-8"),
    ):
        with pytest.raises(InstanceError, match=reason) as raised:
            read_instance(path)
        assert str(path) in str(raised.value)
