"""Several memories as users name them: a TOML file, or values.

    [[memory]]
    name = "sram"
    capacity = "64K"

    [[memory]]
    name = "psram"

The preferred memory comes first. Only the last one may be without a capacity.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import cast

from hmcos.errors import OptionError
from hmcos.memory.size_text import parse_size
from hmcos.memory.toml_file import toml_in
from hmcos.plan.memory_blocks import MemoryBlock, check_blocks

_KEY = "memory"
_KEYS = ("name", "capacity")


def chosen_blocks(memories: str | PathLike[str] | Sequence[MemoryBlock]) -> tuple[MemoryBlock, ...]:
    """Return the memories in a TOML file, or those given, the preferred one first.

    Raises:
        OptionError: the file cannot be read or breaks a rule, or the memories do; names file and key.
    """
    if isinstance(memories, str | PathLike):
        return read_blocks(Path(memories))
    blocks = tuple(memories)
    check_blocks(blocks)
    return blocks


def read_blocks(path: Path) -> tuple[MemoryBlock, ...]:
    """Return the memories in a TOML file.

    Raises:
        OptionError: the file cannot be read, a key is unknown or missing, or a value is wrong.
    """
    data = toml_in(path, "a list of memories", OptionError)
    try:
        blocks = _blocks(data)
        check_blocks(blocks)
    except OptionError as error:
        raise OptionError(f"{path}: {error}") from None
    return blocks


def _blocks(data: Mapping[str, object]) -> tuple[MemoryBlock, ...]:
    for key in data:
        if key != _KEY:
            raise OptionError(f"unknown key {key!r}; a memory is written [[{_KEY}]]")
    listed = data.get(_KEY, [])
    if not isinstance(listed, list):
        raise OptionError(f"{_KEY} must be a list of tables, written [[{_KEY}]]")
    return tuple(_block(row, f"{_KEY}[{i}]") for i, row in enumerate(cast(list[object], listed)))


def _block(row: object, key: str) -> MemoryBlock:
    if not isinstance(row, dict):
        raise OptionError(f"{key} must be a table, written [[{_KEY}]]")
    table = cast(dict[str, object], row)
    for name in table:
        if name not in _KEYS:
            raise OptionError(f"unknown key {key + '.' + name!r}; there are {', '.join(_KEYS)}")
    called = table.get("name")
    if not isinstance(called, str):
        raise OptionError(f"{key}.name must be a name, not {called!r}")
    return MemoryBlock(called, _capacity(table.get("capacity"), f"{key}.capacity"))


def _capacity(value: object, key: str) -> int | None:
    if value is None or type(value) is int:
        return value
    if not isinstance(value, str):
        raise OptionError(f'{key} must be bytes, such as 65536 or "64K", not {value!r}')
    try:
        return parse_size(value)
    except OptionError as error:
        raise OptionError(f"{key}: {error}") from None


def memories_file(memories: str | PathLike[str] | Sequence[MemoryBlock] | None) -> tuple[Path, ...]:
    """Return the file that memories are read from; nothing if they are not from a file."""
    return (Path(memories),) if isinstance(memories, str | PathLike) else ()
