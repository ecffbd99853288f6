"""A row program as C: one source and one header."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import files

from hmcos.backends.c import header
from hmcos.backends.c.constants import Constants
from hmcos.backends.c.naming import Naming
from hmcos.backends.c.places import Places, places_of
from hmcos.backends.c.preparing.case import Kernel
from hmcos.backends.c.preparing.operators import kernels_of
from hmcos.backends.c.schedule import encoded
from hmcos.backends.c.tensors import Source
from hmcos.errors import ModelError
from hmcos.frontends.model import Model
from hmcos.streaming.program import Role, RowProgram

_KERNELS = "hmcos.backends.c"
_NEEDS = "/* needs: "
_OPERATOR_BYTES = 13
_MOST = 2**16 - 1


@dataclass(frozen=True, slots=True)
class Generated:
    """The C code of a network."""

    source: str
    header: str
    flash: Mapping[str, int]
    """What is constant, in words, to its bytes on a machine of 32 bits: weights, quantization, tables,
    operators, offsets, schedule."""
    steps: tuple[tuple[tuple[int, int], ...], ...] = field(repr=False)
    """Per step of the program: operators of the code and rows, in the order in which they run."""


@dataclass(frozen=True)
class _Compiled:
    """A row program on its way to text."""

    source: Source
    program: RowProgram
    naming: Naming
    constants: Constants
    kernels: tuple[Kernel, ...]
    sums: tuple[int, ...]
    """Per kernel the number of the place of its partial sums; 0 where there are none."""
    of_operator: Mapping[int, tuple[int, ...]]
    """Operator of the program to its kernels."""
    places: Places
    number: Mapping[int, int]
    """Tensor to the number of its place."""


def generate(model: Model, program: RowProgram, naming: Naming) -> Generated:
    """Return the C code that runs a model by a row program.

    Raises:
        ModelError: an operator cannot be compiled, or numbers are too large for the tables; names it.
    """
    source, constants = Source(model), Constants(f"{naming.macro}_FLASH ")
    compiled = _compiled(source, program, naming, constants)
    steps = _steps(compiled)
    schedule = encoded([one for group in steps for one in group])
    text = _source(compiled, schedule)
    flash = dict(sorted(constants.sizes.items()))
    pool = compiled.places
    flash["offsets"] = (4 + 2 * pool.width) * len(pool.places) + pool.width * len(pool.pool)
    flash["schedule"] = len(schedule)
    flash["operators"] = flash.get("operators", 0) + _OPERATOR_BYTES * len(compiled.kernels)
    return Generated(text, header.header_of(source, program, naming), flash, tuple(steps))


def _compiled(source: Source, program: RowProgram, naming: Naming, constants: Constants) -> _Compiled:
    kernels: list[Kernel] = []
    sums: list[int] = []
    of_operator: dict[int, tuple[int, ...]] = {}
    rows = [list(tensor.offsets) for tensor in program.tensors]
    number = {tensor.tensor: k for k, tensor in enumerate(program.tensors)}
    for k, op in enumerate(program.operators):
        if op.role is Role.FEED:
            continue
        found = kernels_of(source, program, op, constants)
        of_operator[k] = tuple(range(len(kernels), len(kernels) + len(found)))
        kernels += found
        if op.accumulator is not None:
            rows.append([op.accumulator.offset])
        sums += [0 if op.accumulator is None else len(rows) - 1] * len(found)
    places = places_of(rows)
    if max(len(places.pool), len(places.places), len(kernels)) > _MOST:
        raise ModelError(f"{source.model.path}: has more rows than the {_MOST:,} that the tables can number")
    return _Compiled(
        source, program, naming, constants, tuple(kernels), tuple(sums), of_operator, places, number
    )


def _steps(compiled: _Compiled) -> list[tuple[tuple[int, int], ...]]:
    """Return the steps of the code: kernels and rows; the kernel behind the last takes a row of the input."""
    program, found = compiled.program, list[tuple[tuple[int, int], ...]]()
    for step in program.steps:
        op = program.operators[step.operator]
        if op.role is Role.FEED:
            found.append(((len(compiled.kernels), step.step),))
            continue
        group: list[tuple[int, int]] = []
        for k in compiled.of_operator[step.operator]:
            made = program.tensor(compiled.kernels[k].makes)
            if op.role is Role.WHOLE:
                group += [(k, row) for row in range(made.rows)]
            elif op.role is Role.SUM or made.offsets[step.step] >= 0:
                group.append((k, step.step))
        found.append(tuple(group))
    return found


def _source(compiled: _Compiled, schedule: bytes) -> str:
    naming, constants = compiled.naming, compiled.constants
    reads = [
        constants.array("uint16_t", [compiled.number[t] for t in kernel.reads], "reads", "operators")
        for kernel in compiled.kernels
    ]
    used = list(dict.fromkeys(kernel.name for kernel in compiled.kernels))
    fields: list[str] = []
    for kernel, read, total in zip(compiled.kernels, reads, compiled.sums, strict=True):
        numbers = f"{compiled.number[kernel.makes]}, {total}, {used.index(kernel.name)}"
        fields.append(f"    {{&{kernel.params}, {read}, {numbers}}},")
    rows = max([1, *(kernel.rows for kernel in compiled.kernels)])
    parts = _kernel_parts(used)
    base, rest = parts["base"], [text for name, text in parts.items() if name != "base"]
    return "\n".join(
        [
            header.opening(compiled.source, compiled.program, naming),
            *_types(compiled.places),
            base,
            *_place_tables(compiled.places, naming, rows),
            *rest,
            *constants.lines,
            f"static hm_operator const {naming.macro}_FLASH hm_operators[] = {{",
            *fields,
            "};",
            _bytes(schedule, naming),
            _dispatch(used),
            header.running(compiled.source, compiled.program, naming, len(compiled.kernels)),
        ]
    )


def _types(places: Places) -> list[str]:
    bits = 8 * places.width
    return [f"typedef uint{bits}_t hm_offset;", f"typedef int{bits}_t hm_advance;"]


def _place_tables(places: Places, naming: Naming, rows: int) -> list[str]:
    flash = f"{naming.macro}_FLASH"
    lines = [", ".join(map(str, places.pool[k : k + 20])) + "," for k in range(0, len(places.pool), 20)]
    return [
        f"#define HM_UNIT {places.unit}",
        f"#define HM_ROWS {rows}",
        f"static hm_offset const {flash} hm_offsets[] = {{",
        *lines,
        "};",
        f"static hm_place const {flash} hm_places[] = {{",
        *(f"    {{{p.base}, {p.step}, {p.first}, {p.period}}}," for p in places.places),
        "};",
    ]


def _bytes(schedule: bytes, naming: Naming) -> str:
    lines = [", ".join(map(str, schedule[k : k + 24])) + "," for k in range(0, len(schedule), 24)]
    return f"static uint8_t const {naming.macro}_FLASH hm_schedule[] = {{\n" + "\n".join(lines) + "\n};\n"


def _dispatch(used: list[str]) -> str:
    cases = [
        f"    case {k}:\n        hm_{name}_step(arena, o, row);\n        break;"
        for k, name in enumerate(used)
    ]
    return "\n".join(
        [
            "static void hm_step(int8_t *arena, int32_t number, int32_t row)",
            "{",
            "    const hm_operator *o = &hm_operators[number];",
            "    switch (o->kind) {",
            *cases,
            "    default:",
            "        break;",
            "    }",
            "}",
            "",
        ]
    )


def _kernel_parts(used: list[str]) -> dict[str, str]:
    """Return the kernels of these names and what they need, each behind what it needs."""
    found: dict[str, str] = {}
    for name in ("cursor", *used):
        _add(name, found)
    return found


def _add(name: str, found: dict[str, str]) -> None:
    if name in found:
        return
    text = files(_KERNELS).joinpath("kernels", f"{name}.c").read_text(encoding="utf-8")
    if text.startswith(_NEEDS):
        first, _, text = text.partition("\n")
        for other in first.removeprefix(_NEEDS).removesuffix(" */").split():
            _add(other, found)
    found[name] = text
