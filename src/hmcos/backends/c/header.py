"""The parts of the generated code that the user sees: header, arena, and the functions to call."""

from __future__ import annotations

from hmcos.backends.c.naming import Naming
from hmcos.backends.c.preparing.case import Scratch
from hmcos.backends.c.tensors import Source
from hmcos.errors import ModelError
from hmcos.streaming.program import Feeding, RowProgram
from hmcos.version import __version__
from hmcos.words import printable

_C_TYPES = {"int8": "int8_t", "uint8": "uint8_t", "int32": "int32_t", "float32": "float"}

_WORD = 4
"""The alignment in bytes that the arena has by an integer in it."""
_ALIGNED = (
    "#if defined(__cplusplus)",
    "#define HM_ALIGNED(bytes) alignas(bytes)",
    "#elif defined(__STDC_VERSION__) && __STDC_VERSION__ >= 201112L",
    "#define HM_ALIGNED(bytes) _Alignas(bytes)",
    "#else /* C99 has no word for it */",
    "#define HM_ALIGNED(bytes) __attribute__((aligned(bytes)))",
    "#endif",
)
"""How each language says that a member begins at a multiple of some bytes."""


def opening(source: Source, program: RowProgram, naming: Naming) -> str:
    """Return how the source begins."""
    return "\n".join(
        [
            f"/* {_title(source)}: runs in an arena of {program.arena:,} bytes. Made by hmcos {__version__};",
            "   change the model and make it again rather than change this file. */",
            f'#include "{naming.name}.h"',
            "",
            "#include <stddef.h>",
            "#include <string.h>",
            "",
            f"#ifndef {naming.macro}_FLASH",
            f"#define {naming.macro}_FLASH{_section(naming.flash)}",
            "#endif",
            f"#ifndef {naming.macro}_RAM",
            f"#define {naming.macro}_RAM{_section(naming.ram)}",
            "#endif",
            "",
        ]
    )


def _section(name: str) -> str:
    return f' __attribute__((section("{name}")))' if name else ""


def _title(source: Source) -> str:
    path = source.model.path
    return _in_comment(path.name if path else "a model")


def _in_comment(text: str) -> str:
    """Return text that neither ends a comment nor seems to begin one, of which compilers warn."""
    return printable(text).replace("*/", "* /").replace("/*", "/ *")


def library(naming: Naming) -> list[str]:
    """Return how the source includes CMSIS-NN."""
    macro = naming.macro
    return [
        "#include <assert.h>",
        "",
        "#include <arm_nnfunctions.h>",
        "",
        f"#define HM_SCRATCH_BYTES {macro}_SCRATCH_BYTES",
        f"#define HM_SCRATCH_RAM {macro}_RAM",
        "",
    ]


def _scratch(macro: str, scratch: Scratch) -> list[str]:
    """Return how much memory CMSIS-NN needs beside the arena."""
    return [
        "",
        "/* For CMSIS-NN, beside the arena, while it computes a row: not for two runs at a time. */",
        "#if defined(__ARM_FEATURE_MVE) && (__ARM_FEATURE_MVE & 1)",
        f"#define {macro}_SCRATCH_BYTES {scratch.mve}",
        "#elif defined(__ARM_FEATURE_DSP) && __ARM_FEATURE_DSP",
        f"#define {macro}_SCRATCH_BYTES {scratch.dsp}",
        "#else",
        f"#define {macro}_SCRATCH_BYTES {scratch.plain}",
        "#endif",
    ]


def header_of(source: Source, program: RowProgram, naming: Naming, scratch: Scratch | None = None) -> str:
    """Return the header; `scratch` is what CMSIS-NN needs, where it is called."""
    macro, name = naming.macro, naming.name
    ends = [*_ends(source, program.inputs, "INPUT", macro), *_ends(source, program.outputs, "OUTPUT", macro)]
    return "\n".join(
        [
            f"/* {_title(source)}, row by row. Made by hmcos {__version__}. */",
            f"#ifndef {macro}_H",
            f"#define {macro}_H",
            "",
            "#include <stdint.h>",
            "",
            "#ifdef __cplusplus",
            'extern "C" {',
            "#endif",
            "",
            f"#define {macro}_ARENA_BYTES {program.arena}",
            f"#define {macro}_ARENA_ALIGNMENT {program.alignment}",
            *([] if scratch is None else _scratch(macro, scratch)),
            *ends,
            "",
            *_declarations(source, program, naming),
            "#ifdef __cplusplus",
            "}",
            "#endif",
            "",
            f"#endif /* {macro}_H, {name} */",
            "",
        ]
    )


def _ends(source: Source, tensors: tuple[int, ...], word: str, macro: str) -> list[str]:
    """Return comments and macros of the inputs or the outputs."""
    lines: list[str] = []
    for k, tensor in enumerate(tensors):
        known = source.model.graph.tensors[tensor]
        stem = f"{macro}_{word}" if len(tensors) == 1 else f"{macro}_{word}_{k}"
        shape = " x ".join(map(str, known.shape)) or "one number"
        label = _in_comment(known.name)
        lines += [
            "",
            f"/* {word.lower()} {label}: {known.element}, {shape} */",
            f"#define {stem}_BYTES {known.size}",
        ]
        lines += [f"#define {stem}_DIM_{d} {size}" for d, size in enumerate(known.shape)]
        if known.element in ("int8", "uint8"):
            by = source.quantization(tensor)
            zero = by.zero + 128 * source.is_flipped(tensor)
            lines += [f"#define {stem}_SCALE {by.scale!r}f", f"#define {stem}_ZERO_POINT {zero}"]
    return lines


def _declarations(source: Source, program: RowProgram, naming: Naming) -> list[str]:
    name, macro, found = naming.name, naming.macro, list[str]()
    if program.rows.input is Feeding.ROWS:
        tensor = program.tensor(program.inputs[0])
        kind = _kind(source, tensor.tensor)
        found += [
            f"/* The input comes in {macro}_INPUT_ROWS rows of {macro}_ROW_BYTES bytes, from first to last.",
            "   Returns 1 after the last, when the output is there; the next row then begins a new run. */",
            f"#define {macro}_INPUT_ROWS {tensor.rows}",
            f"#define {macro}_ROW_BYTES {tensor.size}",
            f"#define {macro}_ROW_TYPE {kind}",
            f"int {name}_push_row(const {kind} *row);",
            "/* Gives up a run that is not finished: the next row is the first of a new one. */",
            f"void {name}_restart(void);",
        ]
    else:
        found += ["/* Fill the input, run, and read the output; a run overwrites the input. */"]
        found += [f"void {name}_run(void);"]
        found += [f"{kind} *{function}(void);" for function, kind, _ in _pointers(source, program, naming)[0]]
    found += [f"const {kind} *{call}(void);" for call, kind, _ in _pointers(source, program, naming)[1]]
    return [*found, "", *_in_given_arena(source, program, naming), ""]


def _in_given_arena(source: Source, program: RowProgram, naming: Naming) -> list[str]:
    """Return the declarations of what runs in an arena of the caller."""
    name, macro = naming.name, naming.macro
    inputs, outputs = _pointers(source, program, naming)
    lines = [
        f"/* The same in an arena of the caller, of {macro}_ARENA_BYTES bytes, aligned as",
        f"   {macro}_ARENA_ALIGNMENT says; define {macro}_NO_ARENA to leave out the one in the code.",
    ]
    if program.rows.input is Feeding.ROWS:
        inputs = []
        lines += [
            "   All rows of a run need the same arena, unchanged between them; one run goes on at a time. */",
            f"int {name}_push_row_in(int8_t *arena, const {_kind(source, program.inputs[0])} *row);",
        ]
    else:
        lines[-1] += " */"
        lines.append(f"void {name}_run_in(int8_t *arena);")
    return [*lines, *(f"#define {call.upper()}_OFFSET {offset}" for call, _, offset in (*inputs, *outputs))]


_Pointer = tuple[str, str, int]
"""The name of a function, the type that it points to, and the offset in the arena."""


def _pointers(source: Source, program: RowProgram, naming: Naming) -> tuple[list[_Pointer], list[_Pointer]]:
    """Return the functions for inputs and for outputs."""
    found: tuple[list[_Pointer], list[_Pointer]] = ([], [])
    for ends, word, into in ((program.inputs, "input", found[0]), (program.outputs, "output", found[1])):
        for k, tensor in enumerate(ends):
            call = f"{naming.name}_{word}" if len(ends) == 1 else f"{naming.name}_{word}_{k}"
            into.append((call, _kind(source, tensor), program.tensor(tensor).offsets[0]))
    return found


def _kind(source: Source, tensor: int) -> str:
    element = source.model.graph.tensors[tensor].element
    if element not in _C_TYPES:
        raise ModelError(
            f"{source.model.path}: has an end of {element}; only {', '.join(_C_TYPES)} can be compiled"
        )
    return _C_TYPES[element]


def running(source: Source, program: RowProgram, naming: Naming, kernels: int) -> str:
    """Return the arena and the functions to call, given the number of kernels."""
    name, macro = naming.name, naming.macro
    by_rows = program.rows.input is Feeding.ROWS
    begins = f"HM_ALIGNED({macro}_ARENA_ALIGNMENT) " if program.alignment > _WORD else ""
    lines = [
        f"#ifndef {macro}_NO_ARENA",
        *(_ALIGNED if begins else ()),
        f"static {macro}_RAM union {{",
        f"    {begins}int8_t bytes[{macro}_ARENA_BYTES];",
        "    int32_t aligned;",
        f"}} {name}_arena;",
        "#endif",
        "",
    ]
    if by_rows:
        lines += _pushing(source, program, naming, kernels)
    else:
        lines += [
            f"void {name}_run_in(int8_t *arena)",
            "{",
            "    hm_cursor cursor;",
            "    int32_t number, row;",
            *flips(source, program, program.inputs, "arena"),
            "    hm_begin(&cursor, hm_schedule);",
            "    while ((number = hm_next(&cursor, &row)) >= 0) {",
            "        hm_step(arena, number, row);",
            "    }",
            *flips(source, program, program.outputs, "arena"),
            "}",
            "",
            f"#ifndef {macro}_NO_ARENA",
            f"void {name}_run(void)",
            "{",
            f"    {name}_run_in({name}_arena.bytes);",
            "}",
            "",
        ]
        lines += _getters(_pointers(source, program, naming)[0], name, "")
    lines += _getters(_pointers(source, program, naming)[1], name, "const ")
    return "\n".join([*lines, "#endif", ""])


def flips(source: Source, program: RowProgram, ends: tuple[int, ...], arena: str) -> list[str]:
    """Return the lines that turn inputs of uint8 into those of the twin, or its outputs back, each once."""
    places = {
        (found.offsets[0], found.rows * found.size): None
        for found in (program.tensor(t) for t in ends if source.is_flipped(t))
    }
    return [f"    hm_flip({arena} + {offset}, {size});" for offset, size in places]


def _getters(pointers: list[_Pointer], name: str, const: str) -> list[str]:
    lines: list[str] = []
    for call, kind, offset in pointers:
        place = f"{name}_arena.bytes + {offset}"
        found = f"({const}{kind} *)(void *)({place})" if kind != "int8_t" else place
        lines += [f"{const}{kind} *{call}(void)", "{", f"    return {found};", "}", ""]
    return lines


def _pushing(source: Source, program: RowProgram, naming: Naming, feed: int) -> list[str]:
    """Return the functions that take rows; `feed` is the number that stands for one in the schedule."""
    name, macro = naming.name, naming.macro
    back = flips(source, program, program.outputs, "arena")
    is_read = any(offset >= 0 for offset in program.tensor(program.inputs[0]).offsets)
    flip = f" hm_flip(hm_row(arena, HM_INPUT, hm_given), {macro}_ROW_BYTES);"
    copy = f"memcpy(hm_row(arena, HM_INPUT, hm_given), row, {macro}_ROW_BYTES);" + flip * source.is_flipped(
        program.inputs[0]
    )
    kind = _kind(source, program.inputs[0])
    return [
        "/* Where the run is, the rows that it has, and the next one that it reads, or -1. */",
        "static hm_cursor hm_run_cursor;",
        "static int32_t hm_given, hm_wanted;",
        "",
        "/* Goes on to the next row of the input that is wanted, and returns it; -1 at the end. */",
        "static int32_t hm_until_row(int8_t *arena)",
        "{",
        "    int32_t number, row = -1;",
        f"    while ((number = hm_next(&hm_run_cursor, &row)) >= 0 && number != {feed}) {{",
        "        hm_step(arena, number, row);",
        "    }",
        "    return number < 0 ? -1 : row;",
        "}",
        "",
        f"void {name}_restart(void)",
        "{",
        "    hm_given = 0;",
        "}",
        "",
        f"int {name}_push_row_in(int8_t *arena, const {kind} *row)",
        "{",
        "    if (hm_given == 0) {",
        "        hm_begin(&hm_run_cursor, hm_schedule);",
        "        hm_wanted = hm_until_row(arena);",
        "    }",
        "    if (hm_given == hm_wanted) {",
        f"        {copy if is_read else '(void)row; /* no output depends on it */'}",
        "        hm_wanted = hm_until_row(arena);",
        "    }",
        f"    hm_given = hm_given + 1 < {macro}_INPUT_ROWS ? hm_given + 1 : 0;",
        *(["    if (hm_given == 0) {", *(f"    {line}" for line in back), "    }"] if back else []),
        "    return hm_given == 0;",
        "}",
        "",
        f"#ifndef {macro}_NO_ARENA",
        f"int {name}_push_row(const {kind} *row)",
        "{",
        f"    return {name}_push_row_in({name}_arena.bytes, row);",
        "}",
        "",
    ]
