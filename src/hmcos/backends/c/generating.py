"""A row program as C: one source and one header."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from typing import NamedTuple

from hmcos.backends.c import header
from hmcos.backends.c.constants import Constants
from hmcos.backends.c.naming import Kernels, Naming
from hmcos.backends.c.places import Places, places_of
from hmcos.backends.c.preparing.case import Case, Kernel, Scratch
from hmcos.backends.c.preparing.cmsis_nn import library_kernel, most
from hmcos.backends.c.preparing.operators import kernels_of
from hmcos.backends.c.schedule import DEPTH, Run, Schedule, encoded
from hmcos.backends.c.shared import Shared
from hmcos.backends.c.tensors import Source
from hmcos.errors import ModelError
from hmcos.frontends.model import Model
from hmcos.plan.row_parts import Role
from hmcos.streaming.program import RowProgram

_KERNELS = "hmcos.backends.c"
_NEEDS = "/* needs: "
_UNSIGNED = "_unsigned"
"""Ends the names of parts that networks of uint8 have instead of others."""
_SHAPE_BYTES = 5
"""Of the pointer to a structure of constants, and of the kind that it is for."""
_MOST = 2**16 - 1
_SEVERAL = frozenset({"add", "cmsis_add", "cmsis_mul", "concat", "greater", "mul", "prelu", "stack"})
"""Kernels that find the tensors which they read in a table."""


@dataclass(frozen=True, slots=True)
class Generated:
    """The C code of a network."""

    source: str
    header: str
    flash: Mapping[str, int]
    """What is constant, in words, to its bytes on a machine of 32 bits: weights, quantization, tables,
    operators, offsets, schedule."""
    flipped: frozenset[int]
    """Inputs and outputs of uint8 whose numbers are 128 less while the network runs."""
    steps: tuple[tuple[tuple[int, int], ...], ...] = field(repr=False)
    """Per step of the program: operators of the code and rows, in the order in which they run."""
    scratch: Scratch | None = None
    """Memory beside the arena that CMSIS-NN needs; None where it is not called."""

    @property
    def scratch_sizes(self) -> dict[str, int]:
        """Bytes that CMSIS-NN needs, by what the processor has; empty where it is not called."""
        return {} if self.scratch is None else self.scratch._asdict()


@dataclass(frozen=True)
class _Compiled:
    """A row program on its way to text."""

    source: Source
    program: RowProgram
    naming: Naming
    is_library: bool
    """Whether CMSIS-NN is called."""
    constants: Constants
    kernels: tuple[Kernel, ...]
    """In the order of their first steps."""
    of_operator: Mapping[int, tuple[int, ...]]
    """Operator of the program to its kernels."""
    places: Places
    number: Mapping[int, int]
    """Tensor to the number of its place: sums first, then what kernels make, in their order."""
    sums: int
    """How many places are those of sums."""
    shared: Shared
    shapes: Mapping[tuple[str, str], int]
    """Kernel and structure of constants to their number."""

    @property
    def scratch(self) -> Scratch | None:
        """Memory beside the arena; None where CMSIS-NN is not called."""
        return most([kernel.scratch for kernel in self.kernels]) if self.is_library else None


def generate(
    model: Model, program: RowProgram, naming: Naming, kernels: Kernels = Kernels.PLAIN
) -> Generated:
    """Return the C code that runs a model by a row program, with kernels of its own or those of CMSIS-NN.

    Raises:
        ModelError: an operator cannot be compiled, or numbers are too large for the tables; names it.
    """
    source, constants = Source(model), Constants(f"{naming.macro}_FLASH ")
    compiled = _compiled(source, program, naming, constants, kernels is Kernels.CMSIS_NN)
    steps = _steps(compiled)
    schedule = encoded([one for group in steps for one in group])
    reads, places = _reads(compiled), compiled.places
    text = _source(compiled, reads, schedule)
    flash = dict(sorted(constants.sizes.items()))
    for word, size in compiled.shared.sizes().items():
        flash[word] = flash.get(word, 0) + size
    scaled = _numbered(1 + max(kernel.scales for kernel in compiled.kernels)) if compiled.kernels else 0
    each = 2 + (_numbered(len(compiled.shapes)) + scaled) // 8
    flash["operators"] += (
        each * len(compiled.kernels) + _SHAPE_BYTES * len(compiled.shapes) + 2 * len(reads.pool)
    )
    flash = {word: size for word, size in sorted(flash.items()) if size}
    flash["offsets"] = places.size
    flash["schedule"] = schedule.size
    flipped = frozenset(t for t in (*program.inputs, *program.outputs) if source.is_flipped(t))
    told = header.header_of(source, program, naming, compiled.scratch)
    return Generated(text, told, flash, flipped, tuple(steps), compiled.scratch)


def _compiled(
    source: Source, program: RowProgram, naming: Naming, constants: Constants, is_library: bool
) -> _Compiled:
    shared = Shared(has_wide_shifts=is_library)
    found, sums = list[tuple[Kernel, int]](), list[int]()
    for k, op in enumerate(program.operators):
        if op.role is Role.FEED:
            continue
        case = Case(source, program, op, constants, shared, len(sums))
        own = kernels_of(case)
        found += [(library_kernel(case, kernel) if is_library else kernel, k) for kernel in own]
        sums += [] if op.accumulator is None else [op.accumulator.offset]
    begun = {step.operator: at for at, step in reversed(list(enumerate(program.steps)))}
    found.sort(key=lambda pair: begun.get(pair[1], -1))  # steps then go on to operators of near numbers
    of_operator: dict[int, tuple[int, ...]] = {}
    for number, (_, k) in enumerate(found):
        of_operator[k] = (*of_operator.get(k, ()), number)
    kernels = tuple(kernel for kernel, _ in found)
    tensors = dict.fromkeys([*(kernel.makes for kernel in kernels), *(t.tensor for t in program.tensors)])
    places = places_of([*([offset] for offset in sums), *(program.tensor(t).offsets for t in tensors)])
    if max(len(places.pool), len(places.places), len(found), len(places.forms)) > _MOST:
        raise ModelError(f"{source.model.path}: has more rows than the {_MOST:,} that the tables can number")
    number = {tensor: k for k, tensor in enumerate(tensors, len(sums))}
    pairs = dict.fromkeys((kernel.name, kernel.params) for kernel in kernels)
    shapes = {pair: k for k, pair in enumerate(pairs)}
    return _Compiled(
        source,
        program,
        naming,
        is_library,
        constants,
        kernels,
        of_operator,
        places,
        number,
        len(sums),
        shared,
        shapes,
    )


def _steps(compiled: _Compiled) -> list[tuple[tuple[int, int], ...]]:
    """Return the steps of the code: kernels and rows; the kernel behind the last takes a row of the input."""
    program, found = compiled.program, list[tuple[tuple[int, int], ...]]()
    for step in program.steps:
        op = program.operators[step.operator]
        if op.role is Role.FEED:
            is_wanted = program.tensor(op.makes[0]).offsets[step.step] >= 0
            found.append(((len(compiled.kernels), step.step),) if is_wanted else ())
            continue
        group: list[tuple[int, int]] = []
        for k in compiled.of_operator[step.operator]:
            made = program.tensor(compiled.kernels[k].makes)
            if op.role is Role.WHOLE:
                group += [(k, row) for row in range(made.rows) if made.offsets[row] >= 0]
            elif op.role is Role.SUM or made.offsets[step.step] >= 0:
                group.append((k, step.step))
        found.append(tuple(group))
    return found


class _Reads(NamedTuple):
    """The tensors that kernels read."""

    of_kernel: tuple[int, ...]
    """Per kernel the number of its tensor, or where its numbers begin in the pool."""
    pool: tuple[int, ...]


def _reads(compiled: _Compiled) -> _Reads:
    of_kernel, pool = list[int](), list[int]()
    for kernel in compiled.kernels:
        numbers = [compiled.number[tensor] for tensor in kernel.reads]
        if kernel.name in _SEVERAL:
            of_kernel.append(len(pool))
            pool += numbers
        else:
            of_kernel += numbers
    return _Reads(tuple(of_kernel), tuple(pool))


def _source(compiled: _Compiled, reads: _Reads, schedule: Schedule) -> str:
    naming, flash = compiled.naming, f"{compiled.naming.macro}_FLASH"
    rows = max([1, *(kernel.rows for kernel in compiled.kernels)])
    used = list(dict.fromkeys(name for name, _ in compiled.shapes))
    parts = _kernel_parts(used, is_unsigned=compiled.source.is_unsigned)
    first = [parts.pop(name) for name in ("base", "packed", "scales") if name in parts]
    pool = _table("uint16_t", flash, "hm_reads", reads.pool) if reads.pool else []
    return "\n".join(
        [
            header.opening(compiled.source, compiled.program, naming),
            *(header.library(naming) if compiled.is_library else []),
            *_types(compiled.places),
            *compiled.shared.types(),
            *first,
            *_place_tables(compiled.places, flash, rows),
            *pool,
            f"#define HM_INPUT {compiled.number[compiled.program.inputs[0]]}",
            *_schedule_tables(schedule, flash),
            *compiled.shared.tables(f"{flash} "),
            *parts.values(),
            *compiled.constants.lines,
            *_operator_tables(compiled, reads, used, flash),
            _dispatch(used, compiled.sums),
            header.running(compiled.source, compiled.program, naming, len(compiled.kernels)),
        ]
    )


def _operator_tables(compiled: _Compiled, reads: _Reads, used: list[str], flash: str) -> list[str]:
    """Return the tables of operators: what each reads, how it scales, and its constants."""
    numbers = [compiled.shapes[kernel.name, kernel.params] for kernel in compiled.kernels]
    shapes, scales = compiled.shapes, [kernel.scales for kernel in compiled.kernels]
    return [
        *_table("uint16_t", flash, "hm_read", reads.of_kernel),
        *_table(f"uint{_numbered(1 + max(scales, default=0))}_t", flash, "hm_scaled", scales),
        *_table(f"uint{_numbered(len(shapes))}_t", flash, "hm_shape", numbers),
        *_table("void const *", flash, "hm_shapes", [f"&{params}" for _, params in shapes]),
        *_table("uint8_t", flash, "hm_kinds", [used.index(name) for name, _ in shapes]),
    ]


def _numbered(count: int) -> int:
    """Return the bits that number so many things."""
    return 8 if count <= 2**8 else 16


def _table(element: str, flash: str, name: str, numbers: Sequence[object]) -> list[str]:
    lines = (", ".join(map(str, numbers[k : k + 20])) + "," for k in range(0, max(1, len(numbers)), 20))
    return [f"static {element} const {flash} {name}[] = {{", *lines, "};"]


def _types(places: Places) -> list[str]:
    base, small = 8 * places.base_bytes, 8 * places.unit_bytes
    return [f"typedef uint{base}_t hm_base;", f"typedef uint{small}_t hm_small;"]


def _place_tables(places: Places, flash: str, rows: int) -> list[str]:
    return [
        f"#define HM_UNIT {places.unit}",
        f"#define HM_HAS_WIDE {int(places.is_wide)}",
        f"#define HM_ROWS {rows}",
        f"#define HM_DEPTH {DEPTH + 1}",
        *_table("uint8_t", flash, "hm_patterns", places.pool),
        f"static hm_place const {flash} hm_places[] = {{",
        *(f"    {{{place.base}, {place.first}}}," for place in places.places),
        "};",
        f"static hm_form const {flash} hm_forms[] = {{",
        *(f"    {{{form.unit}, {form.period}, {form.bits}}}," for form in places.forms),
        "};",
        *_table(f"uint{8 * places.form_bytes}_t", flash, "hm_form_of", [p.form for p in places.places]),
    ]


def _schedule_tables(schedule: Schedule, flash: str) -> list[str]:
    return [
        f"static hm_run const {flash} hm_runs[] = {{",
        *(f"    {{{run.operator}, {run.first}, {run.rows}}}," for run in schedule.runs or (Run(0, 0, 0),)),
        "};",
        *_table("uint8_t", flash, "hm_schedule", schedule.content),
    ]


def _dispatch(used: list[str], sums: int) -> str:
    """Return the function that runs a step."""
    cases: list[str] = []
    for k, name in enumerate(used):
        label = f"case {k}" if k < len(used) - 1 else "default"
        cases += [f"    {label}:", f"        hm_{name}_step(arena, &o, row);", "        break;"]
    return "\n".join(
        [
            "",
            "static void hm_step(int8_t *arena, int32_t number, int32_t row)",
            "{",
            "    const int32_t shape = hm_shape[number];",
            "    hm_operator o;",
            "    o.params = hm_shapes[shape];",
            "    o.reads = hm_read[number];",
            f"    o.makes = number + {sums};",
            "    o.scales = hm_scaled[number];",
            "    switch (hm_kinds[shape]) {",
            *cases,
            "    }",
            "}",
            "",
        ]
    )


def _kernel_parts(used: list[str], *, is_unsigned: bool) -> dict[str, str]:
    """Return the kernels of these names and what they need, each behind what it needs."""
    found: dict[str, str] = {}
    for name in ("cursor", *(["flip"] if is_unsigned else []), *used):
        _add(name, found, is_unsigned)
    return found


def _add(name: str, found: dict[str, str], is_unsigned: bool) -> None:
    if name in found:
        return
    place = files(_KERNELS).joinpath("kernels")
    other = place.joinpath(f"{name}{_UNSIGNED}.c")
    text = (other if is_unsigned and other.is_file() else place / f"{name}.c").read_text(encoding="utf-8")
    if text.startswith(_NEEDS):
        first, _, text = text.partition("\n")
        for needed in first.removeprefix(_NEEDS).removesuffix(" */").split():
            _add(needed, found, is_unsigned)
    found[name] = text
