"""An arena as a C header, for generated code."""

from __future__ import annotations

import re
from collections.abc import Sequence

from hmcos.allocation.lives import EXTERNAL, Lives
from hmcos.errors import OptionError
from hmcos.plan.arena import Arena
from hmcos.words import shortened

LARGEST = 2**64
"""Sizes have to be smaller than this to fit into an unsigned long long everywhere."""
LONGEST = 120
"""Characters of a name that a macro keeps: fused operators can have names of thousands of characters."""


def c_header(
    names: Sequence[str], lives: Lives, arena: Arena, prefix: str = "hmcos", whole: int | None = None
) -> str:
    """Return a header for C11 and C++11 or later: size and alignment of the arena, offset and size per life.

    Each name becomes the macros PREFIX_OFFSET_NAME and PREFIX_SIZE_NAME, in capitals. Characters that C or
    C++ does not allow become an underscore, long names lose their middle, and a number is added if two names
    become equal. External lives are left out. Static asserts check that every life ends within the arena and
    starts aligned.

    `whole` is for a runtime that keeps more in the same block than the arena, as TensorFlow Lite for
    Microcontrollers does. The macro of the arena's size is then called PREFIX_TFLM_HEAD_SIZE, and that of the
    block to declare PREFIX_TENSOR_ARENA_SIZE, so that nobody declares the one for the other.

    Args:
        names: one per life.
        lives: the lives that were placed.
        arena: their offsets.
        prefix: the beginning of all macros; a C identifier.
        whole: the bytes of the block that the runtime needs; None if that is the arena.

    Raises:
        OptionError: the prefix is not an identifier, the numbers of names and lives differ, or the arena is
            too large for an integer of C.
    """
    check_prefix(prefix)
    if not len(names) == len(lives.lives) == len(arena.offsets):
        raise OptionError(
            f"{len(names)} names and {len(arena.offsets)} offsets, but {len(lives.lives)} lives"
        )
    if arena.size >= LARGEST:
        raise OptionError(f"an arena of {arena.size} bytes cannot be written in C; the most is 2**64-1 bytes")
    head = prefix.upper()
    alignment = power_of_two(max((lives.step(i) for i in range(len(names))), default=1))
    size = f"{head}_ARENA_SIZE" if whole is None else f"{head}_TFLM_HEAD_SIZE"
    lines = _preamble(head, prefix, arena, alignment, whole)
    for i, macro in enumerate(macros(names)):
        if arena.offsets[i] != EXTERNAL:
            lines += life_lines(head, size, macro, (arena.offsets[i], lives.lives[i].size, lives.step(i)))
    return "\n".join([*lines, "#undef " + head + "_ASSERT", f"#endif  /* {head}_ARENA_H */", ""])


def check_prefix(prefix: str) -> None:
    """Check that macros can begin with a prefix.

    Raises:
        OptionError: it is not a C identifier.
    """
    if not re.fullmatch(r"[A-Za-z_]\w*", prefix, re.ASCII):
        raise OptionError(f"prefix {prefix!r} is not a C identifier; use letters, digits and underscores")


def power_of_two(step: int) -> int:
    """Return the smallest power of two that is at least the step, since C aligns to powers of two only."""
    return 1 << (step - 1).bit_length()


def _preamble(head: str, prefix: str, arena: Arena, alignment: int, whole: int | None) -> list[str]:
    proof = "proved smallest" if arena.size == arena.lower_bound else f"lower bound {arena.lower_bound}"
    planner = _identifier(arena.allocator) or "unknown"
    # C++ requires the alignment before everything else; C allows it there.
    declared, size = f"{prefix.lower()}_arena", f"{head}_ARENA_SIZE"
    sizes = [f"#define {size} {arena.size}ULL"]
    if whole is not None:
        declared, size = "tensor_arena", f"{head}_TENSOR_ARENA_SIZE"
        sizes = [
            f"#define {size} {whole}ULL  /* all that the runtime needs: declare this */",
            f"#define {head}_TFLM_HEAD_SIZE {arena.size}ULL  /* its part for tensors: never declare this */",
        ]
    use = f"{head}_ALIGNED static unsigned char {declared}[{size}];"
    return [
        f"/* Memory plan of {arena.size} bytes ({proof}), made by hmcos, allocator {planner}. */",
        f"#ifndef {head}_ARENA_H",
        f"#define {head}_ARENA_H",
        "",
        *sizes,
        f"#define {head}_ARENA_ALIGNMENT {alignment}",
        "",
        *dialects(head),
        f"/* Use: {use} */"
        if arena.size or whole
        else "/* Nothing needs a place: there is no arena to declare. */",
        "",
    ]


def dialects(head: str) -> list[str]:
    """Return the macros that C and C++ spell differently: alignment, and an assertion at compile time."""
    return [
        "#ifdef __cplusplus",
        f"#define {head}_ALIGNED alignas({head}_ARENA_ALIGNMENT)",
        f"#define {head}_ASSERT(condition, message) static_assert(condition, message)",
        "#else",
        f"#define {head}_ALIGNED _Alignas({head}_ARENA_ALIGNMENT)",
        f"#define {head}_ASSERT(condition, message) _Static_assert(condition, message)",
        "#endif",
        "",
    ]


def life_lines(
    head: str, arena_size: str, macro: str, place: tuple[int, int, int], where: str = "the arena"
) -> list[str]:
    """Return the macros of a life, which is at (offset, size, alignment) somewhere, and what asserts them."""
    offset, size, step = place
    lines = [
        f"#define {head}_OFFSET_{macro} {offset}ULL",
        f"#define {head}_SIZE_{macro} {size}ULL",
        f"{head}_ASSERT({head}_OFFSET_{macro} + {head}_SIZE_{macro} <= {arena_size},",
        f'    "{macro} ends outside {where}");',
    ]
    if step > 1:
        lines.append(f'{head}_ASSERT({head}_OFFSET_{macro} % {step} == 0, "{macro} is not aligned");')
    return [*lines, ""]


def macros(names: Sequence[str]) -> list[str]:
    """Return a different identifier, in capitals, for each name."""
    taken: set[str] = set()
    found: list[str] = []
    for i, name in enumerate(names):
        plain = _identifier(name).upper() or "UNNAMED"
        macro = plain
        while macro in taken:
            macro = f"{plain}_{i}" if macro == plain else f"{macro}X"
        taken.add(macro)
        found.append(macro)
    return found


def _identifier(name: str) -> str:
    """Return a name as part of an identifier; C++ reserves two underscores in a row, so it has none."""
    plain = re.sub(r"[\W_]+", "_", name, flags=re.ASCII).strip("_")
    return re.sub(r"[\W_]+", "_", shortened(plain, LONGEST), flags=re.ASCII)
