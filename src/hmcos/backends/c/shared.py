"""Tables that the operators of the generated code share: weights, and how sums become numbers of outputs."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import wrap
from typing import NamedTuple

from hmcos.backends.c.constants import literal

_PLACES = 2**16
"""How many places the tables number with two bytes."""


class Sums(NamedTuple):
    """How the sums of an operator with weights become numbers of its output; places are those of tables."""

    weights: int
    """Number of the block of weights."""
    bias: int
    """The place of the first, plus 1; 0 where there is none."""
    multipliers: int
    shifts: int
    offsets: tuple[int, int]
    """Added to each number of the input, and of the output."""
    bounds: tuple[int, int]
    is_each: bool
    """Whether every channel has a multiplier and a shift of its own."""
    shift: int
    """Added to each weight: not 0 only for networks of uint8."""


class Scales(NamedTuple):
    """How an operator of two inputs scales its numbers; of the inputs and of the output."""

    multipliers: tuple[int, int, int]
    offsets: tuple[int, int, int]
    shifts: tuple[int, int, int]
    bounds: tuple[int, int]
    constant: int | None
    """Number of the block of weights that is an input; None for none."""


class Shared:
    """The tables in the making; what is in them already is found again."""

    def __init__(self, *, has_wide_shifts: bool = False) -> None:
        self.has_wide_shifts = has_wide_shifts
        """Whether every channel has its scale, with a shift of 32 bits: the arrays that CMSIS-NN takes."""
        self._blocks: dict[bytes, int] = {}
        self._runs: dict[str, dict[tuple[int, ...], int]] = {"bias": {}, "multipliers": {}, "shifts": {}}
        self._numbers: dict[str, list[int]] = {"bias": [], "multipliers": [], "shifts": []}
        self._sums: dict[Sums, int] = {}
        self._scales: dict[Scales, int] = {}

    def weights(self, numbers: bytes) -> int:
        """Return the number of a block of weights, given as int8."""
        return self._blocks.setdefault(numbers, len(self._blocks))

    def run(self, table: str, numbers: Sequence[int]) -> int:
        """Return the place of numbers in the table `bias`, `multipliers` or `shifts`."""
        known, key = self._runs[table], tuple(numbers)
        if key not in known:
            known[key] = len(self._numbers[table])
            self._numbers[table] += key
        return known[key]

    def sums(self, sums: Sums) -> int:
        """Return the number of a way to make numbers of sums."""
        return self._sums.setdefault(sums, len(self._sums))

    def scales(self, scales: Scales) -> int:
        """Return the number of a way to scale two inputs."""
        return self._scales.setdefault(scales, len(self._scales))

    @property
    def _unit(self) -> int:
        """Bytes in which the places of blocks are counted: as few as two bytes can number."""
        unit = 1
        while sum(-(-len(block) // unit) for block in self._blocks) + 2 > _PLACES:
            unit *= 2
        return unit

    @property
    def _index(self) -> int:
        """Bytes of a place in the other tables."""
        return 2 if max(map(len, self._numbers.values())) + 2 <= _PLACES else 4

    @property
    def _shift(self) -> int:
        """Bits of a shift."""
        return 32 if self.has_wide_shifts else 8

    @property
    def _is_shifted(self) -> bool:
        return any(sums.shift for sums in self._sums)

    def sizes(self) -> dict[str, int]:
        """Return what the bytes are for to how many there are."""
        numbers, unit = self._numbers, self._unit
        blocks = sum(-(-len(block) // unit) * unit for block in self._blocks)
        sums = (16 if self._index == 2 else 24) + 2 * self._is_shifted
        scaling = 4 * len(numbers["multipliers"]) + self._shift // 8 * len(numbers["shifts"])
        return {
            "weights": blocks + 4 * len(numbers["bias"]),
            "quantization": scaling + (sums - 2) * len(self._sums) + 26 * len(self._scales),
            "operators": 2 * (len(self._sums) + len(self._scales)),
        }

    def types(self) -> list[str]:
        """Return what the types of the tables depend on."""
        return [
            f"typedef uint{8 * self._index}_t hm_index;",
            f"typedef int{self._shift}_t hm_shift;",
            f"#define HM_WEIGHTS_UNIT {self._unit}",
            f"#define HM_HAS_SHIFTED {int(self._is_shifted)}",
        ]

    def tables(self, section: str) -> list[str]:
        """Return the tables that are not empty; `section` places them, with a space behind it."""
        unit, starts, weights = self._unit, list[int](), list[int]()
        for block in self._blocks:
            starts.append(len(weights) // unit)
            padded = block + bytes(-len(block) % unit)
            weights += [byte - 256 if byte > 127 else byte for byte in padded]
        is_used = bool(self._sums or self._scales)
        lines = _array("int8_t", section, "hm_weights", weights or [0] * is_used)
        lines += _array("int32_t", section, "hm_bias_table", self._numbers["bias"] or [0] * bool(self._sums))
        lines += _array("int32_t", section, "hm_multipliers", self._numbers["multipliers"])
        lines += _array("hm_shift", section, "hm_shifts", self._numbers["shifts"])
        sums = [
            f"    {{{starts[s.weights]}, {s.bias}, {s.multipliers}, {s.shifts}, {_listed(s.offsets)}, "
            f"{_listed(s.bounds)}, {int(s.is_each)}{f', {s.shift}' if self._is_shifted else ''}}},"
            for s in self._sums
        ]
        scales = [
            f"    {{{{{_listed(s.multipliers[:2])}}}, {s.multipliers[2]}, {{{_listed(s.offsets[:2])}}}, "
            f"{s.offsets[2]}, {0 if s.constant is None else starts[s.constant] + 1}, "
            f"{{{_listed(s.shifts[:2])}}}, {s.shifts[2]}, {_listed(s.bounds)}}},"
            for s in self._scales
        ]
        return [
            *lines,
            *_structures("hm_sums_packed", section, "hm_sums_table", sums),
            *_structures("hm_scales", section, "hm_scales_table", scales),
        ]


def _array(element: str, section: str, name: str, numbers: Sequence[int]) -> list[str]:
    if not numbers:
        return []
    body = wrap(", ".join(map(literal, numbers)), 106, break_long_words=False, break_on_hyphens=False)
    return [f"static {element} const {section}{name}[] = {{", *body, "};"]


def _structures(kind: str, section: str, name: str, rows: list[str]) -> list[str]:
    return [f"static {kind} const {section}{name}[] = {{", *rows, "};"] if rows else []


def _listed(numbers: Sequence[int]) -> str:
    return ", ".join(map(str, numbers))
