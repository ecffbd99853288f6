"""A test program that overwrites every byte of the arena as soon as nobody needs it any more."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hmcos.backends.c.generating import Generated
from hmcos.backends.c.naming import Naming
from hmcos.plan.row_parts import Role, RowTensor
from hmcos.streaming.program import RowProgram

Range = tuple[int, int]
"""Bytes of the arena: the first, and the one behind the last."""


def poisoned_main(program: RowProgram, generated: Generated, naming: Naming) -> str:
    """Return a `main` that runs inputs from standard input until it ends, and writes the outputs.

    After every step it overwrites what is dead by the program's own account, so that a kernel that reads more
    than the program says gives other outputs.
    """
    name, macro = naming.name, naming.macro
    table = [f"    {{{at}, {a}, {b - a}}}," for at, a, b in _deaths(program, generated)]
    fed = [program.tensor(t) for t in program.inputs]
    feeds = sum(op.role is Role.FEED for op in program.operators)
    number = _feed(program, generated)
    whole = sum(tensor.rows * tensor.size for tensor in fed)
    copies = [
        f"        memcpy(arena + {tensor.offsets[0]}, given + {sum(t.rows * t.size for t in fed[:k])}, "
        f"{tensor.rows * tensor.size});" + _flip(generated, tensor)
        for k, tensor in enumerate(fed)
        if not feeds
    ]
    size = fed[0].size
    outputs = [program.tensor(t) for t in program.outputs]
    return "\n".join(
        [
            f'#include "{name}.c"',
            "#include <stdio.h>",
            "#include <stdlib.h>",
            "static const int32_t deaths[][3] = {",
            *table,
            "    {-1, 0, 0}};",
            "int main(void)",
            "{",
            f"    int8_t *arena = (int8_t *)malloc({macro}_ARENA_BYTES);",
            f"    int8_t *given = (int8_t *)malloc({whole});",
            f"    while (fread(given, 1, {whole}, stdin) == {whole}) {{",
            "        hm_cursor cursor;",
            "        int32_t number, row, at = 0, k = 0;",
            f"        memset(arena, 85, {macro}_ARENA_BYTES);",
            *copies,
            "        for (; deaths[k][0] == 0; k++) {",
            "            memset(arena + deaths[k][1], 170, (size_t)deaths[k][2]);",
            "        }",
            "        hm_begin(&cursor, hm_schedule);",
            "        while ((number = hm_next(&cursor, &row)) >= 0) {",
            f"            if (number == {number}) {{",
            f"                memcpy(hm_row(arena, HM_INPUT, row), given + row * {size}, {size});",
            *(
                [f"                hm_flip(hm_row(arena, HM_INPUT, row), {size});"]
                if program.inputs[0] in generated.flipped
                else []
            ),
            "            } else {",
            "                hm_step(arena, number, row);",
            "            }",
            "            for (at++; deaths[k][0] == at; k++) {",
            "                memset(arena + deaths[k][1], at * 37 & 255, (size_t)deaths[k][2]);",
            "            }",
            "        }",
            *(
                _flip(generated, one)
                + f"        fwrite(arena + {one.offsets[0]}, 1, {one.rows * one.size}, stdout);"
                for one in outputs
            ),
            "    }",
            "    free(arena);",
            "    free(given);",
            "    return 0;",
            "}",
            "",
        ]
    )


def _flip(generated: Generated, tensor: RowTensor) -> str:
    """Return what turns a tensor of uint8 into that of the twin, or back."""
    if tensor.tensor not in generated.flipped:
        return ""
    return f"        hm_flip(arena + {tensor.offsets[0]}, {tensor.rows * tensor.size});\n"


def _feed(program: RowProgram, generated: Generated) -> int:
    """Return the number in the schedule that stands for a row of the input; none has -2."""
    for step, group in zip(program.steps, generated.steps, strict=True):
        if group and program.operators[step.operator].role is Role.FEED:
            return group[0][0]
    return -2


def _deaths(program: RowProgram, generated: Generated) -> list[tuple[int, int, int]]:
    """Return after how many steps of the code which bytes are dead, ascending."""
    after = np.cumsum([len(group) for group in generated.steps]).tolist()
    live: NDArray[np.bool_] = np.zeros(program.arena, bool)
    for tensor in program.outputs:
        _set(live, _whole(program, tensor), True)
    found: list[tuple[int, int, int]] = []
    for k in range(len(program.steps) - 1, -1, -1):
        reads, makes = _touched(program, k)
        before = live.copy()
        _set(before, makes, False)
        _set(before, reads, True)
        gone = before.copy()
        _set(gone, makes, True)
        found += [(after[k], a, b) for a, b in _ranges(gone & ~live)]
        live = before
    found += [(0, a, b) for a, b in _ranges(~live)]  # what nobody reads before it is made
    return found[::-1]


def _touched(program: RowProgram, k: int) -> tuple[list[Range], list[Range]]:
    """Return what a step of the program reads and what it makes."""
    step = program.steps[k]
    op = program.operators[step.operator]
    reads, makes = list[Range](), list[Range]()
    for read in op.inputs:
        tensor = program.tensor(read.tensor)
        reads += [(tensor.offsets[r], tensor.offsets[r] + tensor.size) for r in read.needs[step.step]]
    last = op.role is not Role.SUM or step.step == op.steps - 1
    if op.accumulator is not None:
        sums = (op.accumulator.offset, op.accumulator.offset + op.accumulator.size)
        reads += [sums] if step.step else []
        makes += [] if last else [sums]
    for tensor in op.makes if last else ():
        made = program.tensor(tensor)
        rows = range(made.rows) if op.role is Role.WHOLE else [0 if op.role is Role.SUM else step.step]
        makes += [(made.offsets[r], made.offsets[r] + made.size) for r in rows if made.offsets[r] >= 0]
    return reads, makes


def _whole(program: RowProgram, tensor: int) -> list[Range]:
    known = program.tensor(tensor)
    return [(offset, offset + known.size) for offset in known.offsets]


def _set(live: NDArray[np.bool_], ranges: list[Range], to: bool) -> None:
    for a, b in ranges:
        live[a:b] = to


def _ranges(mask: NDArray[np.bool_]) -> list[Range]:
    edges = np.flatnonzero(np.diff(np.concatenate(([False], mask, [False])).astype(np.int8))).tolist()
    return list(zip(edges[::2], edges[1::2], strict=True))
