"""Generated code compiled for a Cortex-M4 and run in an emulator: its code, its stack, its bits.

zig brings the compiler (`pip install ziglang`), unicorn the emulator; neither is needed for anything else.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from struct import unpack_from
from typing import Any

from hmcos.backends.c.generating import Generated
from hmcos.backends.c.naming import Naming
from hmcos.errors import NotRunError, ToolError
from hmcos.processes import run_program
from hmcos.streaming.program import RowProgram

_COMPILING = 300.0
"""Seconds that a compilation may take."""
_PACKAGES = ("ziglang", "unicorn")
_FLASH, _RAM, _STACK, _END = 0x0010_0000, 0x2000_0000, 0x3000_0000, 0x0000_8000
_STACK_BYTES, _PAGE = 0x1_0000, 0x1000
_UNTOUCHED = 0xA5
_LINKING = f"""ENTRY(hm_enter)
SECTIONS
{{
    . = {_FLASH};
    .text : {{ *(.text*) }}
    .rodata : {{ *(.rodata*) }}
    /DISCARD/ : {{ *(.ARM.exidx*) *(.ARM.extab*) }}
}}
"""
_STRING_H = """#include <stddef.h>
void *memcpy(void *to, const void *from, size_t size);
void *memset(void *to, int value, size_t size);
"""
_MAIN = """#define {macro}_NO_ARENA
#include "{name}.c"
void *memcpy(void *to, const void *from, size_t size)
{{
    size_t k;
    for (k = 0; k < size; k++) {{
        ((volatile char *)to)[k] = ((const char *)from)[k];
    }}
    return to;
}}
void *memset(void *to, int value, size_t size)
{{
    size_t k;
    for (k = 0; k < size; k++) {{
        ((volatile char *)to)[k] = (char)value;
    }}
    return to;
}}
void hm_enter(int8_t *arena)
{{
    {name}_run_in(arena);
}}
"""


@dataclass(frozen=True, slots=True)
class Emulated:
    """What an emulated Cortex-M4 made of inputs, and what the code takes there."""

    outputs: tuple[bytes, ...]
    """Per input; several outputs one behind the other."""
    code: int
    """Bytes of machine code."""
    constants: int
    """Bytes: weights and tables."""
    stack: int
    """Bytes, the most of all runs."""


def missing() -> str | None:
    """Return which packages are not installed, in words; None where both are."""
    lacking = [package for package in _PACKAGES if find_spec(package) is None]
    return f"not installed: {', '.join(lacking)}" if lacking else None


def emulated(
    program: RowProgram, code: tuple[Generated, Naming], inputs: Sequence[Sequence[bytes]], folder: Path
) -> Emulated:
    """Return what generated code, whose inputs are in the arena as a whole, makes of inputs on a Cortex-M4.

    Raises:
        ToolError: ziglang or unicorn is not installed.
        NotRunError: the compiler refuses the code, or it reaches beyond its memory.
    """
    lacking = missing()
    if lacking:
        raise ToolError(f"{lacking}; pip install {' '.join(_PACKAGES)}")
    image = _Image(_compiled(*code, folder).read_bytes())
    outputs, stack = list[bytes](), 0
    for arrays in inputs:
        output, used = _ran(image, program, arrays)
        outputs.append(output)
        stack = max(stack, used)
    return Emulated(tuple(outputs), image.sizes[".text"], image.sizes[".rodata"], stack)


def _compiled(generated: Generated, naming: Naming, folder: Path) -> Path:
    files = {
        f"{naming.name}.h": generated.header,
        f"{naming.name}.c": generated.source,
        "string.h": _STRING_H,
        "main.c": _MAIN.format(name=naming.name, macro=naming.macro),
        "link.ld": _LINKING,
    }
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    made = folder / "main.elf"
    flags = ("-target", "thumb-freestanding-eabi", "-mcpu=cortex_m4", "-std=c99", "-Os", "-Wall", "-Werror")
    alone = ("-ffreestanding", "-fno-builtin", "-nostdlib", "-I", str(folder))
    linking = ("-Wl,-e,hm_enter", "-T", str(folder / "link.ld"))
    command = [
        sys.executable,
        "-m",
        "ziglang",
        "cc",
        *flags,
        *alone,
        *linking,
        "-o",
        str(made),
        str(folder / "main.c"),
    ]
    ended = run_program(command, b"", waits=_COMPILING)
    if ended.failure:
        message = next((line for line in ended.log.splitlines() if "error" in line), ended.last_words)
        raise NotRunError(f"zig {ended.failure.split(':')[0]}: {message[:300]}")
    return made


class _Image:
    """A linked program: where it begins, what is loaded, and the bytes of its sections."""

    def __init__(self, content: bytes) -> None:
        self.entry, programs, sections = unpack_from("<III", content, 24)
        size, count, each, number, names = unpack_from("<HHHHH", content, 42)
        self.loaded: list[tuple[int, bytes]] = []
        for k in range(count):
            kind, offset, address, _, held = unpack_from("<IIIII", content, programs + k * size)
            if kind == 1:
                self.loaded.append((address, content[offset : offset + held]))
        headers = [unpack_from("<IIIIII", content, sections + k * each) for k in range(number)]
        start = headers[names][4]
        self.sizes = {".text": 0, ".rodata": 0}
        for header in headers:
            name = content[start + header[0] : content.index(b"\0", start + header[0])].decode()
            self.sizes[name] = header[5]


def _ran(image: _Image, program: RowProgram, arrays: Sequence[bytes]) -> tuple[bytes, int]:
    """Return the outputs of a run, and how many bytes of the stack were written."""
    unicorn: Any = import_module("unicorn")
    arm: Any = import_module("unicorn.arm_const")
    machine = unicorn.Uc(unicorn.UC_ARCH_ARM, unicorn.UC_MODE_THUMB | unicorn.UC_MODE_MCLASS)
    end = max(address + len(held) for address, held in image.loaded)
    machine.mem_map(_FLASH, _paged(end - _FLASH), unicorn.UC_PROT_READ | unicorn.UC_PROT_EXEC)
    for address, held in image.loaded:
        machine.mem_write(address, held)
    machine.mem_map(_RAM, _paged(program.arena))
    machine.mem_map(_STACK, _STACK_BYTES)
    machine.mem_write(_STACK, bytes([_UNTOUCHED]) * _STACK_BYTES)
    machine.mem_map(_END, _PAGE)
    for t, array in zip(program.inputs, arrays, strict=True):
        machine.mem_write(_RAM + program.tensor(t).offsets[0], array)
    machine.reg_write(arm.UC_ARM_REG_R0, _RAM)
    machine.reg_write(arm.UC_ARM_REG_SP, _STACK + _STACK_BYTES)
    machine.reg_write(arm.UC_ARM_REG_LR, _END | 1)
    try:
        machine.emu_start(image.entry | 1, _END)
    except unicorn.UcError as error:
        raise NotRunError(f"the emulated Cortex-M4 stopped: {error}") from error
    ends = [program.tensor(t) for t in program.outputs]
    output = b"".join(bytes(machine.mem_read(_RAM + t.offsets[0], t.rows * t.size)) for t in ends)
    stack = bytes(machine.mem_read(_STACK, _STACK_BYTES))
    return output, len(stack.lstrip(bytes([_UNTOUCHED])))


def _paged(size: int) -> int:
    return -(-size // _PAGE) * _PAGE
