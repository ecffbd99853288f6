"""Laws of subgraphs: what TFLM takes is what the plan says, whoever runs them and however often."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import hmcos
from hmcos.folders import temporary_folder
from hmcos.frontends.loading import load
from hmcos.frontends.tflite.arena.prediction import predicted_arena
from hmcos.frontends.tflite.format import TFLITE
from hmcos.limits import Status
from hmcos.tasks.verify.model_offsets import check_written_offsets
from hmcos.tasks.verify.tflite import RUNNER
from tflite_models import Sketch

pytestmark = pytest.mark.slow

WIDTH = 32


class _Growth:
    """A model of several levels of subgraphs; those of one level run those of the next, some twice."""

    def __init__(self, rng: Random) -> None:
        self.rng, self.sketch = rng, Sketch()
        self.levels = [1, *(rng.randint(1, 3) for _ in range(rng.randint(1, 2)))]

    def grown(self) -> Sketch:
        first = 0
        for level, number in enumerate(self.levels):
            below = range(first + number, first + number + [*self.levels, 0][level + 1])
            for _ in range(number):
                self.subgraph(below)
            first += number
        for _ in range(self.rng.choice((0, 0, 1))):
            self.subgraph(range(0))  # which nothing runs
        return self.sketch

    def subgraph(self, below: range) -> None:
        sketch, rng = self.sketch, self.rng
        sketch.subgraph()
        choice, fed = sketch.tensor([1], "BOOL"), sketch.tensor([1, WIDTH])
        made = [fed]
        for _ in range(rng.randint(1, 4)):
            made.append(self.operator(choice, made, below))
        if rng.random() < 0.3:
            sketch.tensor([1, rng.randint(1, 400)])  # which nobody uses
        sketch.ports([choice, fed], [made[-1]])

    def operator(self, choice: int, made: list[int], below: range) -> int:
        sketch, rng = self.sketch, self.rng
        result, read = sketch.tensor([1, WIDTH]), rng.choice(made)
        kind = rng.choice(("ADD", "wide", "IF", "IF")) if below else rng.choice(("ADD", "wide"))
        if kind == "IF":
            then, other = rng.choice(below), rng.choice(below)
            numbers = {"thenSubgraphIndex": then, "elseSubgraphIndex": other}
            sketch.operator("IF", [choice, choice, read], [result], **numbers)
        elif kind == "ADD":
            sketch.operator("ADD", [read, rng.choice(made)], [result])
        else:
            times = rng.randint(2, 6)
            wide = sketch.tensor([1, times * WIDTH])
            sketch.operator("CONCATENATION", [read] * times, [wide], axis=1)
            sketch.operator("ADD", [read, read], [result])
            made.append(result)
        return result


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1))
@example(6283)  # two operators run one subgraph, and the other one has a larger block
@example(219)  # there is no place for a subgraph that fits every operator's block
def test_the_arena_in_tflm_is_that_of_the_plan(seed: int) -> None:
    content = _Growth(Random(seed)).grown().bytes()
    with temporary_folder() as name:
        folder = Path(name)
        (folder / "model.tflite").write_bytes(content)
        plan = hmcos.schedule(folder / "model.tflite", output=folder / "out", whole_arena=False)
        written = folder / "out" / "model.tflite"
        assert plan.arena is not None
        head = predicted_arena(written.read_bytes()).head
        assert head <= plan.arena.size
        assert plan.lower_bound <= head
        if plan.arena.status is Status.OPTIMAL:
            assert head == plan.arena.size
        model = load(folder / "model.tflite")
        check = RUNNER.compared(model, plan, written)
        assert check.held, check.words
        held = TFLITE.offsets
        assert held is not None
        made = held.written(content, written.read_bytes())
        assert check_written_offsets(model, held, plan, made)
