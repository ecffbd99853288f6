"""Problems as JSON text: the interchange format `hmcos-instance/1`.

{"format": "hmcos-instance/1",
 "buffers": [bytes, ...],                  buffer ids are indices into this list
 "inputs": [id, ...],                      live from the start
 "kept": [id, ...],                        live to the end
 "buffer_names": [text, ...],              optional; one per buffer, for people only
 "floor": bytes,                           optional, 0 when left out: the memory has at least so many
 "operators": [{"name": text, "reads": [id, ...], "makes": [id, ...],
                "may_overwrite": [id, ...],      optional
                "scratch": bytes}, ...]}         optional, 0 when left out
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from textwrap import shorten
from typing import cast

from hmcos.errors import InstanceError
from hmcos.files import read_ordinary
from hmcos.memory.problem import Problem

FORMAT = "hmcos-instance/1"

_INSTANCE_KEYS = ("format", "buffers", "inputs", "kept", "operators")
_NAMES, _FLOOR = "buffer_names", "floor"
_REQUIRED = ("name", "reads", "makes")
_OPERATOR_KEYS = frozenset((*_REQUIRED, "may_overwrite", "scratch"))
_SHOWN = 40
"""The most characters of a wrong value that an error shows."""
_MESSAGE = 200
"""The most characters of an error, besides the name of the file."""


def read_instance(path: str | Path) -> Problem:
    """Return the problem in a file.

    Raises:
        InstanceError: the file cannot be read or breaks a rule; names file, operator and buffer.
    """
    try:
        text = read_ordinary(path).decode()
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise InstanceError(f"{path}: cannot be read as an instance: {reason}") from error
    return parse_instance(text, str(path))


def parse_instance(text: str, file: str = "instance") -> Problem:
    """Return the problem that a text describes; errors name it `file`.

    Raises:
        InstanceError: the text breaks a rule of the format; names operator and buffer.
    """
    data = parse_json(text, file)
    try:
        return _problem(data)
    except InstanceError as error:
        # A wrong number may have thousands of digits.
        raise InstanceError(f"{file}: {shorten(str(error), _MESSAGE, placeholder='...')}") from None


def parse_json(text: str, file: str) -> object:
    """Return the JSON value of a text; no object in it may repeat a key.

    Raises:
        InstanceError: the text is not such JSON, or is nested too deeply for an instance.
    """
    try:
        return json.loads(text, object_pairs_hook=_object)
    except InstanceError as error:
        raise InstanceError(f"{file}: {error}") from None
    except RecursionError:
        raise InstanceError(f"{file}: nested too deeply for an instance") from None
    except json.JSONDecodeError as error:
        raise InstanceError(f"{file}: not JSON: {error}; is the file complete?") from error
    except ValueError as error:
        # Python refuses to parse integers with thousands of digits.
        raise InstanceError(f"{file}: a number has too many digits (sizes are below 2**63)") from error


def write_instance(problem: Problem) -> str:
    """Return the text of a problem, with one line per operator; equal problems give equal texts."""
    head = (
        f'{{"format": "{FORMAT}",\n'
        f' "buffers": {_ids(problem.sizes)},\n'
        f' "inputs": {_ids(problem.inputs)},\n'
        f' "kept": {_ids(problem.kept)},\n'
    )
    if problem.buffer_names:
        head += f' "{_NAMES}": {json.dumps(problem.buffer_names)},\n'
    if problem.floor:
        head += f' "{_FLOOR}": {problem.floor},\n'
    if not problem.operators:
        return head + ' "operators": []}\n'
    lines = ",\n  ".join(_operator_text(problem, op) for op in range(problem.operators))
    return head + f' "operators": [\n  {lines}]}}\n'


def _operator_text(problem: Problem, op: int) -> str:
    name = json.dumps(problem.names[op])
    text = f'{{"name": {name}, "reads": {_ids(problem.reads[op])}, "makes": {_ids(problem.makes[op])}'
    if problem.may_overwrite[op]:
        text += f', "may_overwrite": {_ids(problem.may_overwrite[op])}'
    if problem.scratch[op]:
        text += f', "scratch": {problem.scratch[op]}'
    return text + "}"


def _ids(ids: Iterable[int]) -> str:
    return "[" + ",".join(map(str, ids)) + "]"


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) != len(pairs):
        keys = [key for key, _ in pairs]
        repeated = next(key for key in keys if keys.count(key) > 1)
        raise InstanceError(f"key {_show(repeated)} appears twice in one object")
    return members


def _problem(data: object) -> Problem:
    if not isinstance(data, dict):
        raise InstanceError(f"an instance is a JSON object, not {_show(data)}")
    instance = cast(dict[str, object], data)
    if instance.get("format") != FORMAT:
        raise InstanceError(f'"format" is {_show(instance.get("format"))}, but must be "{FORMAT}"')
    _check_keys(instance, _INSTANCE_KEYS, frozenset((*_INSTANCE_KEYS, _NAMES, _FLOOR)))
    operators = instance["operators"]
    if not isinstance(operators, list):
        raise InstanceError(f'"operators" must be a list, not {_show(operators)}')
    rows = [_operator(number, row) for number, row in enumerate(cast(list[object], operators))]
    (floor,) = _integers([instance.get(_FLOOR, 0)], _FLOOR)
    names, reads, makes, may_overwrite, scratch = zip(*rows, strict=True) if rows else ((),) * 5
    return Problem(
        names=names,
        sizes=_integers(instance["buffers"], "buffers"),
        inputs=_integers(instance["inputs"], "inputs"),
        kept=_integers(instance["kept"], "kept"),
        reads=reads,
        makes=makes,
        may_overwrite=may_overwrite,
        scratch=scratch,
        buffer_names=_texts(instance.get(_NAMES, []), _NAMES),
        floor=floor,
    )


_Row = tuple[str, tuple[int, ...], tuple[int, ...], tuple[int, ...], int]


def _operator(number: int, row: object) -> _Row:
    """Return name, reads, makes, may_overwrite and scratch of one operator."""
    if not isinstance(row, dict):
        raise InstanceError(f"operator {number}: must be an object, not {_show(row)}")
    operator = cast(dict[str, object], row)
    name = operator.get("name")
    try:
        _check_keys(operator, _REQUIRED, _OPERATOR_KEYS)
        if not isinstance(name, str):
            raise InstanceError(f'"name" must be text, not {_show(name)}')
        scratch = operator.get("scratch", 0)
        if type(scratch) is not int:
            raise InstanceError(f'"scratch" must be an integer, not {_show(scratch)}')
        return (
            name,
            _integers(operator["reads"], "reads"),
            _integers(operator["makes"], "makes"),
            _integers(operator.get("may_overwrite", []), "may_overwrite"),
            scratch,
        )
    except InstanceError as error:
        called = f" ({name!r})" if isinstance(name, str) else ""
        raise InstanceError(f"operator {number}{called}: {error}") from None


def _check_keys(fields: Mapping[str, object], required: tuple[str, ...], known: frozenset[str]) -> None:
    for key in required:
        if key not in fields:
            raise InstanceError(f'key "{key}" is missing')
    if not fields.keys() <= known:
        unknown = next(key for key in fields if key not in known)
        raise InstanceError(f"unknown key {_show(unknown)}; there are {', '.join(sorted(known))}")


def _integers(value: object, key: str) -> tuple[int, ...]:
    if not isinstance(value, list):
        raise InstanceError(f'"{key}" must be a list of integers, not {_show(value)}')
    integers = cast(list[int], value)
    # bool is a kind of int, but true is no size: compare types exactly.
    if integers and set(map(type, integers)) != {int}:
        wrong = next(item for item in integers if type(item) is not int)
        raise InstanceError(f'"{key}" must hold integers only, not {_show(wrong)}')
    return tuple(integers)


def _texts(value: object, key: str) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise InstanceError(f'"{key}" must be a list of texts, not {_show(value)}')
    for text in cast("list[object]", value):
        if not isinstance(text, str):
            raise InstanceError(f'"{key}" must hold texts only, not {_show(text)}')
    return tuple(cast("list[str]", value))


def _show(value: object) -> str:
    """Return a value as a short text on one line; lists and objects are only named, not shown."""
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return "a list"
    text = json.dumps(value)
    return text if len(text) <= _SHOWN else text[: _SHOWN - 3] + "..."
