"""Places for tensors of ExecuTorch, with stand-ins for its classes: it need not be installed."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hmcos.errors import ToolError
from hmcos.limits import Limits
from hmcos.runtimes.executorch import planning
from hmcos.runtimes.executorch.planning import Result, Spec, memory_planning, placed


@dataclass(eq=False)
class Tensor:
    lifetime: list[int]
    size: int
    mem_id: int | None = None
    storage_base: object | None = None
    alignment: int = 1

    @property
    def allocated_memory(self) -> int:
        return -(-self.size // self.alignment) * self.alignment

    def realign(self, new_alignment: int) -> int:
        self.alignment = new_alignment
        return self.allocated_memory


@dataclass
class Placed:
    spec_dict: dict[Spec, Any] = field(default_factory=dict[Spec, Any])
    bufsizes: list[int] = field(default_factory=list[int])


@dataclass(frozen=True)
class Place:
    mem_id: int
    mem_obj_id: int
    mem_offset: int


@pytest.fixture(autouse=True)
def _stand_in(monkeypatch: pytest.MonkeyPatch) -> None:  # pyright: ignore[reportUnusedFunction]
    stand_in = SimpleNamespace(MemoryAlgoResult=Placed, SpecAllocResult=Place)
    monkeypatch.setattr(planning, "memory_planning", lambda: stand_in)


def side_by_side(specs: list[Tensor]) -> Result:
    result = Placed({}, [0, 0])
    for number, spec in enumerate(specs):
        pool = 1 if spec.mem_id is None else spec.mem_id
        result.bufsizes += [0] * (pool + 1 - len(result.bufsizes))
        result.spec_dict[spec] = Place(pool, number, result.bufsizes[pool])
        result.bufsizes[pool] += -(-spec.size // 16) * 16
    return result


def place(specs: list[Tensor], module: object = None, padding: int = 0) -> Result:
    return placed(16, specs, module, lambda: side_by_side(specs), padding, Limits())


@st.composite
def tensors(draw: st.DrawFn) -> Tensor:
    begin = draw(st.integers(0, 20))
    end = begin + draw(st.integers(0, 8))
    return Tensor([begin, end], draw(st.integers(0, 200)), draw(st.sampled_from([None, 1, 2])))


@given(st.lists(tensors(), max_size=12))
def test_tensors_that_live_at_the_same_time_lie_apart(specs: list[Tensor]) -> None:
    result = place(specs)
    for mine in specs:
        here = result.spec_dict[mine]
        assert here.mem_offset % 16 == 0
        assert here.mem_offset + mine.allocated_memory <= result.bufsizes[here.mem_id]
        for other in specs:
            there = result.spec_dict[other]
            apart = (
                here.mem_id != there.mem_id
                or mine.lifetime[1] < other.lifetime[0]
                or other.lifetime[1] < mine.lifetime[0]
                or here.mem_offset + mine.allocated_memory <= there.mem_offset
                or there.mem_offset + other.allocated_memory <= here.mem_offset
            )
            assert mine is other or apart


@given(st.lists(tensors(), max_size=12))
def test_no_pool_is_larger_than_that_of_the_other_algorithm(specs: list[Tensor]) -> None:
    pairs = zip(place(specs).bufsizes, side_by_side(specs).bufsizes, strict=True)
    assert all(mine <= their for mine, their in pairs)


def test_a_last_reader_still_needs_its_tensor() -> None:
    assert place([Tensor([0, 3], 32), Tensor([3, 5], 32)]).bufsizes == [0, 64]
    assert place([Tensor([0, 3], 32), Tensor([4, 5], 32)]).bufsizes == [0, 32]


def test_bodies_keep_the_first_bytes_of_the_pool() -> None:
    specs = [Tensor([0, 3], 32), Tensor([4, 5], 32)]
    theirs = Placed({}, [0, 1000])
    result = placed(16, specs, SimpleNamespace(input_mem_buffer_sizes=[0, 48]), lambda: theirs, 8, Limits())
    assert result.bufsizes == [0, 48 + 32 + 8]
    assert [result.spec_dict[spec].mem_offset for spec in specs] == [48, 48]


def test_tensors_inside_others_are_left_to_greedy() -> None:
    whole = Tensor([0, 3], 64)
    specs = [whole, Tensor([4, 6], 16, storage_base=whole)]
    theirs = Placed({}, [0, 12345])
    assert placed(16, specs, None, lambda: theirs, 0, Limits()) is theirs


def test_without_executorch_one_line_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise ImportError(f"No module named {name!r}")

    monkeypatch.setattr(planning, "import_module", missing)
    with pytest.raises(ToolError, match=r"^ExecuTorch cannot be imported \(.*\): pip install executorch$"):
        memory_planning()
