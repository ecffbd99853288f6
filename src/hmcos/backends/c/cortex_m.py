"""Generated code compiled for a Cortex-M4: its size, and by an emulator its stack and its bits.

zig brings the compiler, unicorn the emulator (`pip install 'hmcos[cortex-m]'`); nothing else needs them.
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from struct import unpack_from
from typing import Any, cast

from hmcos.alignment import round_up
from hmcos.backends.c.cmsis_library import HEADER, sources_of
from hmcos.backends.c.generating import Generated
from hmcos.backends.c.harness import COMPILING
from hmcos.backends.c.naming import Naming
from hmcos.errors import LimitError, NotRunError, ToolError, VerifyError
from hmcos.processes import Allowance, run, run_program
from hmcos.streaming.program import Feeding, RowProgram

_FLASH, _VARIABLES, _ARENA, _STACK = 0x0010_0000, 0x1000_0000, 0x2000_0000, 0x3000_0000
_ROW, _END = 0x4000_0000, 0x0000_8000
_STACK_BYTES, _PAGE = 0x1_0000, 0x1000
_UNTOUCHED, _GARBAGE = 0xA5, 85
_LOADED, _NO_BITS = 1, 8
"""A segment of an ELF file that is loaded, and a section of which the file holds nothing."""
_LINKING = f"""ENTRY(hm_enter)
SECTIONS
{{
    . = {_FLASH};
    .text : {{ *(.text*) }}
    .rodata : {{ *(.rodata*) }}
    . = {_VARIABLES};
    .data : {{ *(.data*) }}
    .bss : {{ *(.bss*) *(COMMON) }}
    /DISCARD/ : {{ *(.ARM.exidx*) *(.ARM.extab*) }}
}}
"""
_HEADERS = {
    "string.h": """#include <stddef.h>
void *memcpy(void *to, const void *from, size_t size);
void *memset(void *to, int value, size_t size);
void *memmove(void *to, const void *from, size_t size);
""",
    "assert.h": "#define assert(holds) ((holds) ? (void)0 : __builtin_trap())\n",
}
_MEMORY = """#include <stddef.h>
void *memcpy(void *to, const void *from, size_t size)
{
    size_t k;
    for (k = 0; k < size; k++) {
        ((volatile char *)to)[k] = ((const char *)from)[k];
    }
    return to;
}
void *memset(void *to, int value, size_t size)
{
    size_t k;
    for (k = 0; k < size; k++) {
        ((volatile char *)to)[k] = (char)value;
    }
    return to;
}
"""
"""What a C library has; loops that no compiler takes for calls of themselves."""
_WHOLE = """#define {macro}_NO_ARENA
#include "{name}.c"
int hm_enter(int8_t *arena)
{{
    {name}_run_in(arena);
    return 1;
}}
"""
_PUSHED = """#define {macro}_NO_ARENA
#include "{name}.c"
int hm_enter(int8_t *arena, const {macro}_ROW_TYPE *row)
{{
    return {name}_push_row_in(arena, row);
}}
"""
_TARGET = ("-target", "thumb-freestanding-eabi", "-mcpu=cortex_m4", "-Os")
_ALONE = ("-ffreestanding", "-fno-builtin", "-ffunction-sections", "-Wl,--gc-sections")


@dataclass(frozen=True, slots=True)
class Built:
    """Generated code, linked for a Cortex-M4."""

    image: bytes = field(repr=False)
    """An ELF file."""
    code: int
    """Bytes of machine code."""
    constants: int
    """Bytes: weights and tables."""
    variables: int
    """Bytes beside the arena."""


@dataclass(frozen=True, slots=True)
class Emulated:
    """What an emulated Cortex-M4 made of inputs."""

    outputs: tuple[bytes, ...]
    """Per input; several outputs one behind the other."""
    stack: int
    """Bytes, the most of all runs."""


# -- The compiler -------------------------------------------------------------------------------------------


def check_installed() -> None:
    """Check that compiler and emulator are there.

    Raises:
        ToolError: one is not; says how to get it.
    """
    lacking = [] if _cross_compiler() else ["zig"]
    lacking += [] if find_spec("unicorn") else ["unicorn"]
    if lacking:
        raise ToolError(f"not installed: {', '.join(lacking)}; pip install 'hmcos[cortex-m]'")


def _cross_compiler() -> list[str]:
    """Return the command of a C compiler for Arm processors; empty if there is none."""
    if find_spec("ziglang") is not None:
        return [sys.executable, "-P", "-m", "ziglang", "cc"]
    zig = shutil.which("zig")
    return [zig, "cc"] if zig else []


def built(
    program: RowProgram,
    code: tuple[Generated, Naming],
    folder: Path,
    library: Path | None = None,
) -> Built:
    """Return generated code compiled and linked in a new folder, with -Os; `library` is that of CMSIS-NN.

    Raises:
        ToolError: compiler or emulator is not installed, or there is no such library.
        NotRunError: the compiler refuses the code.
    """
    check_installed()
    generated, naming = code
    main = _PUSHED if program.rows.input is Feeding.ROWS else _WHOLE
    files = {
        f"{naming.name}.h": generated.header,
        f"{naming.name}.c": generated.source,
        **_HEADERS,
        "main.c": main.format(name=naming.name, macro=naming.macro),
        "memory.c": _MEMORY,
        "link.ld": _LINKING,
    }
    folder.mkdir()
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    told, sources = ["-isystem", str(folder)], [str(folder / "main.c"), str(folder / "memory.c")]
    if library is not None:
        told += ["-isystem", str((library / HEADER).parent.absolute())]
        sources += map(str, sources_of(library))
    made = folder / "main.elf"
    linking = ["-Wl,-e,hm_enter", "-T", str(folder / "link.ld"), "-o", str(made)]
    ended = run_program(
        [*_cross_compiler(), *_TARGET, *_ALONE, *told, *linking, *sources], b"", waits=COMPILING
    )
    if ended.failure:
        message = next((line for line in ended.log.splitlines() if "error" in line), ended.last_words)
        raise NotRunError(f"zig {ended.failure.split(':')[0]}: {message[:300]}")
    image = made.read_bytes()
    sizes = _Image(image).sizes
    return Built(image, sizes[".text"], sizes[".rodata"], sizes[".data"] + sizes[".bss"])


class _Image:
    """A linked program: where it begins, what is loaded, and the bytes of its sections."""

    def __init__(self, content: bytes) -> None:
        self.entry, programs, sections = unpack_from("<III", content, 24)
        size, count, each, number, names = unpack_from("<HHHHH", content, 42)
        self.loaded: list[tuple[int, bytes]] = []
        for k in range(count):
            kind, offset, address, _, held, taken = unpack_from("<IIIIII", content, programs + k * size)
            if kind == _LOADED:
                self.loaded.append((address, content[offset : offset + held] + bytes(taken - held)))
        headers = [unpack_from("<IIIIII", content, sections + k * each) for k in range(number)]
        start = headers[names][4]
        self.sizes = {".text": 0, ".rodata": 0, ".data": 0, ".bss": 0}
        for header in headers:
            name = content[start + header[0] : content.index(b"\0", start + header[0])].decode()
            self.sizes[name] = header[5]


# -- The emulator -------------------------------------------------------------------------------------------


def emulated(program: RowProgram, made: Built, inputs: Sequence[bytes], allowance: Allowance) -> Emulated:
    """Return what linked code makes of inputs on an emulated Cortex-M4, in a child process.

    Raises:
        LimitError: it takes longer than it may.
        VerifyError: the code reaches beyond its memory.
        NotRunError: the emulator fails.
    """
    both = (program.inputs, program.outputs)
    ends = [[(t.offsets[0], t.rows * t.size) for t in map(program.tensor, which)] for which in both]
    given = program.tensor(program.inputs[0])
    told = {
        "arena": program.arena,
        "row": given.size if program.rows.input is Feeding.ROWS else 0,
        "inputs": ends[0],
        "outputs": ends[1],
        "image": len(made.image),
    }
    request = json.dumps(told).encode() + b"\n" + made.image + b"".join(inputs)
    ended = run("hmcos.backends.c.cortex_m:emulate", request, allowance)
    if ended.exhausted:
        raise LimitError(f"an emulated Cortex-M4 {ended.failure}; raise --time-limit")
    if ended.failure:
        raise NotRunError(f"the emulator of a Cortex-M4 {ended.failure}")
    head, _, outputs = ended.answer.partition(b"\n")
    stack, fault = json.loads(head)
    if fault:
        raise VerifyError(f"an emulated Cortex-M4 stopped: {fault}")
    size = sum(size for _, size in ends[1])
    return Emulated(tuple(outputs[k : k + size] for k in range(0, len(outputs), size)), stack)


def emulate(request: bytes) -> bytes:
    """Return, in the child process, the stack and what stopped the code; behind a line the outputs."""
    head, _, rest = request.partition(b"\n")
    told = cast("dict[str, Any]", json.loads(head))
    image, fed = _Image(rest[: told["image"]]), rest[told["image"] :]
    unicorn: Any = import_module("unicorn")
    size = sum(size for _, size in told["inputs"])
    outputs, stack = list[bytes](), 0
    try:
        for k in range(0, len(fed), size):
            output, used = _Machine(unicorn, image, told).ran(fed[k : k + size])
            outputs.append(output)
            stack = max(stack, used)
    except unicorn.UcError as error:
        return json.dumps([stack, str(error)]).encode()
    return json.dumps([stack, ""]).encode() + b"\n" + b"".join(outputs)


class _Machine:
    """An emulated Cortex-M4 with a program."""

    def __init__(self, unicorn: Any, image: _Image, told: dict[str, Any]) -> None:
        self.arm: Any = import_module("unicorn.arm_const")
        self.machine = unicorn.Uc(unicorn.UC_ARCH_ARM, unicorn.UC_MODE_THUMB | unicorn.UC_MODE_MCLASS)
        self.machine.ctl_set_cpu_model(self.arm.UC_CPU_ARM_CORTEX_M4)
        self.entry, self.told = image.entry, told
        rights = unicorn.UC_PROT_READ | unicorn.UC_PROT_EXEC
        for start, how in ((_FLASH, rights), (_VARIABLES, unicorn.UC_PROT_READ | unicorn.UC_PROT_WRITE)):
            held = [each for each in image.loaded if start <= each[0] < start + _VARIABLES - _FLASH]
            if held:
                end = max(address + len(content) for address, content in held)
                self.machine.mem_map(start, round_up(end - start, _PAGE), how)
        for address, content in image.loaded:
            self.machine.mem_write(address, content)
        self.machine.mem_map(_ARENA, round_up(told["arena"], _PAGE))
        self.machine.mem_write(_ARENA, bytes([_GARBAGE]) * told["arena"])
        self.machine.mem_map(_STACK, _STACK_BYTES)
        self.machine.mem_write(_STACK, bytes([_UNTOUCHED]) * _STACK_BYTES)
        self.machine.mem_map(_ROW, round_up(max(1, told["row"]), _PAGE))
        self.machine.mem_map(_END, _PAGE)

    def ran(self, fed: bytes) -> tuple[bytes, int]:
        """Return the outputs of a run, and how many bytes of the stack were written."""
        row, at, is_done = self.told["row"], 0, 0
        for offset, size in () if row else self.told["inputs"]:
            self.machine.mem_write(_ARENA + offset, fed[at : at + size])
            at += size
        for k in range(0, len(fed), row) if row else (0,):
            if row:
                self.machine.mem_write(_ROW, fed[k : k + row])
            is_done = self._called()
        assert is_done == 1, "a run ends with the last row"
        output = b"".join(
            bytes(self.machine.mem_read(_ARENA + at, size)) for at, size in self.told["outputs"]
        )
        stack = bytes(self.machine.mem_read(_STACK, _STACK_BYTES))
        return output, len(stack.lstrip(bytes([_UNTOUCHED])))

    def _called(self) -> int:
        """Return what the function at the entry returns."""
        arm, machine = self.arm, self.machine
        machine.reg_write(arm.UC_ARM_REG_R0, _ARENA)
        machine.reg_write(arm.UC_ARM_REG_R1, _ROW)
        machine.reg_write(arm.UC_ARM_REG_SP, _STACK + _STACK_BYTES)
        machine.reg_write(arm.UC_ARM_REG_LR, _END | 1)
        machine.emu_start(self.entry | 1, _END)
        return int(machine.reg_read(arm.UC_ARM_REG_R0))
