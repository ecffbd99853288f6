from __future__ import annotations

import os
from pathlib import Path

import pytest

from hmcos.errors import OptionError
from hmcos.plan.memory_blocks import MemoryBlock
from hmcos.tasks.memories_file import chosen_blocks, memories_file, read_blocks

CHIP = """[[memory]]
name = "sram"
capacity = "64K"

[[memory]]
name = "psram"
"""
BLOCKS = (MemoryBlock("sram", 65536), MemoryBlock("psram", None))


def test_a_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "chip.toml"
    path.write_text(CHIP)
    assert read_blocks(path) == chosen_blocks(path) == chosen_blocks(str(path)) == BLOCKS
    assert memories_file(path) == memories_file(str(path)) == (path,)


def test_values_are_taken_as_they_are() -> None:
    assert chosen_blocks([*BLOCKS]) == BLOCKS
    assert memories_file(BLOCKS) == memories_file(None) == ()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "there are 0 memories"),
        ("x = 1", "unknown key 'x'"),
        ("memory = 3", "memory must be a list of tables"),
        ("memory = [3]", "memory[0] must be a table"),
        ("[memory]\nname = 'a'", "memory must be a list of tables"),
        ("[[memory]]\ncapacity = 3", "memory[0].name must be a name, not None"),
        ("[[memory]]\nname = 3", "memory[0].name must be a name, not 3"),
        ("[[memory]]\nname = ' '", "a name has 1 to 60 printable characters"),
        (f"[[memory]]\nname = '{'x' * 61}'", "a name has 1 to 60 printable characters"),
        ('[[memory]]\nname = "a\\nb"', "a name has 1 to 60 printable characters"),
        ("[[memory]]\nname = 'a'\nsize = 3", "unknown key 'memory[0].size'; there are name, capacity"),
        ("[[memory]]\nname = 'a'\ncapacity = -1", "memory 'a': the capacity -1 is not in 0..2**63-1 bytes"),
        ("[[memory]]\nname = 'a'\ncapacity = 9223372036854775808", "is not in 0..2**63-1 bytes"),
        ("[[memory]]\nname = 'a'\ncapacity = 1.5", "memory[0].capacity must be bytes"),
        ("[[memory]]\nname = 'a'\ncapacity = true", "memory[0].capacity must be bytes"),
        ("[[memory]]\nname = 'a'\ncapacity = '64Q'", "memory[0].capacity: '64Q' is no size"),
        ("[[memory]]\nname = 'a'\n[[memory]]\nname = 'b'", "memory 'a': has no capacity"),
        ("[[memory]]\nname = 'a'\ncapacity = 1\n" * 2, "memory 'a': two memories have this name"),
        ("".join(f"[[memory]]\nname = '{k}'\ncapacity = 1\n" for k in range(17)), "there are 17 memories"),
        ("[[memory]]\nname = ", "not TOML"),
        ("a." * 200 + "b = 1", "nested too deeply"),
    ],
)
def test_a_wrong_file_is_refused_in_one_line(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "chip.toml"
    path.write_text(text)
    with pytest.raises(OptionError) as raised:
        read_blocks(path)
    words = str(raised.value)
    assert said in words
    assert words.startswith(f"{path}: ")
    assert "\n" not in words


def test_a_file_that_is_none_is_refused(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    text = tmp_path / "latin.toml"
    text.write_bytes(b"\xff")
    for path in (tmp_path / "missing.toml", tmp_path, pipe, text):
        with pytest.raises(OptionError, match="cannot be read as a list of memories"):
            read_blocks(path)


def test_wrong_values_are_refused() -> None:
    with pytest.raises(OptionError, match="only the last one may be without"):
        chosen_blocks([MemoryBlock("a", None), MemoryBlock("b", 3)])
    with pytest.raises(OptionError, match="there are 0 memories"):
        chosen_blocks([])
