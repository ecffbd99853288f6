"""Laws of networks that run row by row: what the simulation costs, what is alive, and where it lies."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import combinations, pairwise
from pathlib import Path
from random import Random

import numpy as np
from hypothesis import assume, given, settings

from hmcos.errors import ModelError
from hmcos.frontends.model import Model
from hmcos.frontends.tflite.reading import model_in
from hmcos.frontends.tflite.rows import row_rules
from hmcos.limits import Limits, Status, Watch
from hmcos.memory.profile import peak, profile
from hmcos.network.streaming import program_of
from hmcos.plan.row_parts import Role
from hmcos.schedulers.optimal import optimal
from hmcos.streaming.cuts import best_cuts, refined
from hmcos.streaming.drives import Drive, Interval, OrderedRows
from hmcos.streaming.operator_orders import operator_orders
from hmcos.streaming.program import Feeding, RowProgram, Rows, RowStep
from hmcos.streaming.row_network import Row, row_network
from hmcos.streaming.row_problem import RowProblem, row_problem
from oracle import optimum
from property.strategies import generators
from property.tile_tflite_networks import RandomTflite
from tflite_models import S, Sketch

FEEDINGS = tuple(Feeding)


def random_model(rng: Random, operators: int = 9, element: str = "INT8") -> Model:
    """Return a random network of a few operators."""
    plain = Random(rng.randrange(2**32))
    model = RandomTflite(plain, plain.randint(1, operators), element).model()
    assume(model.graph.operators)
    return model


def drawn(rng: Random, operators: int = 9) -> RowProblem:
    """Return the row problem of a random int8 network."""
    model = random_model(rng, operators)
    rows = Rows(rng.choice(FEEDINGS))
    return row_problem(row_network(model.graph, row_rules(model), rows), rows)


def random_program(rng: Random) -> tuple[RowProgram, dict[int, tuple[Row, ...]]]:
    """Return the row program of a random int8 network, found with little search, and whose bytes rows are."""
    model = random_model(rng, 9)
    rows = Rows(rng.choice(FEEDINGS), rng.choice((1, 1, 4)))
    places = row_network(model.graph, row_rules(model), rows).place_of
    return program_of(model, rows, Limits(states=200), Watch()), places


@settings(max_examples=60)
@given(generators())
def test_cuts_cost_what_a_recount_says(rng: Random) -> None:
    rows = drawn(rng)
    for _, order in operator_orders(rows, Limits(states=500), Watch()):
        ordered = OrderedRows(rows, order)
        cut = best_cuts(ordered, 0, Limits(), Watch())
        assert cut is not None
        assert sorted(cut.steps) == list(range(rows.problem.operators))
        costs = [ordered.cost(each, ordered.unread_at(each.begin), None) for each in cut.intervals]
        assert cut.peak == peak(rows.problem, cut.steps) == max(costs)
        assert refined(ordered, cut, Limits(), Watch()).peak == cut.peak
        assert refined(ordered, cut, Limits(seconds=0), Watch()) == cut


@settings(max_examples=40)
@given(generators())
def test_no_cuts_of_an_order_need_less(rng: Random) -> None:
    rows = drawn(rng, 5)
    ordered = OrderedRows(rows, range(len(rows.network.operators)))
    n = len(ordered)
    assume(n <= 7)
    cut = best_cuts(ordered, 0, Limits(), Watch())
    assert cut is not None
    cost = {
        (a, b): min(ordered.cost(Interval(a, b, drive), ordered.unread_at(a), None) for drive in Drive)
        for a, b in combinations(range(n + 1), 2)
    }
    ways = ((0, *inner, n) for count in range(n) for inner in combinations(range(1, n), count))
    assert cut.peak == min(max(cost[step] for step in pairwise(way)) for way in ways)


@settings(max_examples=40)
@given(generators())
def test_the_limit_of_a_cost_ends_it_and_nothing_else(rng: Random) -> None:
    rows = drawn(rng)
    ordered = OrderedRows(rows, range(len(rows.network.operators)))
    begin = rng.randrange(len(ordered))
    interval = Interval(begin, rng.randint(begin + 1, len(ordered)), rng.choice(tuple(Drive)))
    unread = ordered.unread_at(begin)
    full, limit = ordered.cost(interval, unread, None), rng.randrange(1, 4000)
    assert ordered.cost(interval, unread, limit) == min(full, limit)


@settings(max_examples=60)
@given(generators())
def test_whole_tensors_are_live_at_cuts(rng: Random) -> None:
    rows = drawn(rng)
    for _, order in operator_orders(rows, Limits(states=500), Watch()):
        ordered = OrderedRows(rows, order)
        for begin in range(len(ordered)):
            steps = [step for position in range(begin) for step in ordered.steps[position]]
            assert ordered.unread_at(begin) == [
                sum(reader not in steps for reader in readers) + (b in rows.problem.held)
                for b, readers in enumerate(rows.problem.readers)
            ]


@settings(max_examples=60, deadline=None)
@given(generators())
def test_every_row_that_is_read_is_alive_and_nothing_lies_on_it(rng: Random) -> None:
    """Runs the program on bytes that know which row they hold."""
    program, places = random_program(rng)
    memory = _Memory(program.arena)
    if program.rows.input is Feeding.WHOLE:
        for t in program.inputs:
            _make(program, places, memory, t, range(program.tensor(t).rows))
            assert _is_contiguous(program, t)
    for step in program.steps:
        operator = program.operators[step.operator]
        sums, is_last = operator.accumulator, step.step == operator.steps - 1
        for read in operator.inputs:
            for row in read.needs[step.step]:
                tensor = program.tensor(read.tensor)
                assert memory.holds(places[read.tensor][row], tensor.offsets[row], tensor.size)
        if sums and step.step:
            assert memory.holds((step.operator, step.step - 1), sums.offset, sums.size)
        if sums and not is_last:
            assert sums.offset % sums.width == 0
            memory.put((step.operator, step.step), sums.offset, sums.size)
            continue
        made = [step.step] if operator.role in (Role.ROW, Role.FEED) else None
        for t in operator.makes:
            _make(program, places, memory, t, range(program.tensor(t).rows) if made is None else made)
    for t in program.outputs:
        tensor = program.tensor(t)
        assert _is_contiguous(program, t)
        for row, offset in enumerate(tensor.offsets):
            assert memory.holds(places[t][row], offset, tensor.size)


@settings(max_examples=40, deadline=None)
@given(generators())
def test_the_peak_is_the_most_bytes_that_somebody_still_reads(rng: Random) -> None:
    """Counts backwards, by bytes alone: one is live if a later step reads it before it is made."""
    program, _ = random_program(rng)
    later = [False] * program.arena
    for t in program.outputs:
        _mark(later, _rows_of(program, t), to=True)
    most = 0
    for step in reversed(program.steps):
        reads, makes = _reads_and_makes(program, step)
        before = list(later)
        _mark(before, makes, to=False)
        _mark(before, reads, to=True)
        running = list(map(max, before, later))
        _mark(running, makes, to=True)
        most, later = max(most, sum(running)), before
    whole = program.inputs if program.rows.input is Feeding.WHOLE else ()
    standing = sum(program.tensor(t).rows * program.tensor(t).size for t in whole)
    if standing == sum(later):
        assert program.peak == max(most, standing)
    else:  # rows of the input that nobody reads count until a neighbour dies
        assert max(most, standing) <= program.peak <= most + standing - sum(later)


_Span = tuple[int, int]


def _rows_of(program: RowProgram, t: int, rows: Iterable[int] | None = None) -> list[_Span]:
    tensor = program.tensor(t)
    numbers = range(tensor.rows) if rows is None else rows
    offsets = (tensor.offsets[row] for row in numbers if row < tensor.rows)
    return [(offset, offset + tensor.size) for offset in offsets if offset >= 0]


def _reads_and_makes(program: RowProgram, step: RowStep) -> tuple[list[_Span], list[_Span]]:
    """Return the bytes that a step reads, and those that it writes."""
    operator, number = program.operators[step.operator], step.step
    reads = [span for one in operator.inputs for span in _rows_of(program, one.tensor, one.needs[number])]
    sums, is_last = operator.accumulator, number == operator.steps - 1
    of_sums = [] if sums is None else [(sums.offset, sums.offset + sums.size)]
    reads += of_sums if number else []
    if operator.role is Role.SUM:
        made = [span for t in operator.makes for span in _rows_of(program, t)]
        return reads, made if is_last else of_sums
    rows = None if operator.role is Role.WHOLE else [number]
    return reads, [span for t in operator.makes for span in _rows_of(program, t, rows)]


def _mark(live: list[bool], spans: Iterable[_Span], *, to: bool) -> None:
    for begin, end in spans:
        live[begin:end] = [to] * (end - begin)


class _Memory:
    """Bytes that know what they are a part of."""

    def __init__(self, size: int) -> None:
        self.bytes: list[object] = [None] * size

    def put(self, what: object, offset: int, size: int) -> None:
        assert 0 <= offset <= offset + size <= len(self.bytes)
        self.bytes[offset : offset + size] = [(what, k) for k in range(size)]

    def holds(self, what: object, offset: int, size: int) -> bool:
        return self.bytes[offset : offset + size] == [(what, k) for k in range(size)]


def _make(
    program: RowProgram,
    places: dict[int, tuple[Row, ...]],
    memory: _Memory,
    t: int,
    rows: Iterable[int],
) -> None:
    tensor = program.tensor(t)
    for row in rows:
        if row < tensor.rows and tensor.offsets[row] >= 0:
            memory.put(places[t][row], tensor.offsets[row], tensor.size)


def _is_contiguous(program: RowProgram, t: int) -> bool:
    tensor = program.tensor(t)
    first = tensor.offsets[0]
    return tensor.offsets == tuple(first + row * tensor.size for row in range(tensor.rows))


@settings(max_examples=40, deadline=None)
@given(generators())
def test_figures_of_a_program_agree(rng: Random) -> None:
    program, _ = random_program(rng)
    counted = profile(program.problem, program.order)
    assert program.peak == counted.peak
    assert program.lower_bound <= program.peak <= program.arena
    assert (program.status is Status.OPTIMAL) == (program.lower_bound == program.peak)
    assert len(program.steps) == program.problem.operators


def few_rows(rng: Random) -> RowProblem:
    """Return the row problem of two or three operators on images of two or three rows."""
    sketch = Sketch()
    sketch.subgraph()
    rows, channels = rng.randint(2, 3), rng.randint(1, 3)
    images = [sketch.tensor([1, rows, 1, channels])]
    for _ in range(rng.randint(1, 3)):
        made = sketch.tensor([1, rows, 1, channels])
        if rng.random() < 0.5:
            sketch.operator("ADD", [rng.choice(images), rng.choice(images)], [made])
        else:
            window = {"filterHeight": rng.randint(1, 3), "filterWidth": 1, "strideH": 1, "strideW": 1}
            sketch.operator("MAX_POOL_2D", [rng.choice(images)], [made], padding=S.Padding.SAME, **window)
        images.append(made)
    mean = sketch.tensor([1, channels])
    axes = sketch.tensor([2], "INT32", np.array([1, 2], np.int32))
    sketch.operator("MEAN", [images[-1], axes], [mean], keepDims=False)
    sketch.ports([images[0]], [mean])
    model = model_in(sketch.bytes(), Path("few.tflite"))
    wanted = Rows(rng.choice(FEEDINGS))
    return row_problem(row_network(model.graph, row_rules(model), wanted), wanted)


@settings(max_examples=40, deadline=None)
@given(generators())
def test_what_is_proved_is_the_best_of_all_orders_of_row_steps(rng: Random) -> None:
    rows = few_rows(rng)
    assume(rows.problem.operators <= 12)
    least = optimum(rows.problem)
    found = optimal(rows.problem, Limits(), Watch())
    assert found.peak == found.lower_bound == least
    for _, order in operator_orders(rows, Limits(), Watch()):
        cut = best_cuts(OrderedRows(rows, order), 0, Limits(), Watch())
        assert cut is not None
        assert cut.peak >= least


@settings(max_examples=30, deadline=None)
@given(generators())
def test_fed_rows_come_in_order(rng: Random) -> None:
    model = random_model(rng, 6)
    program = program_of(model, Rows(Feeding.ROWS), Limits(states=200), Watch())
    fed = [step.step for step in program.steps if program.operators[step.operator].role is Role.FEED]
    assert fed == list(range(program.tensor(program.inputs[0]).rows))


@settings(max_examples=30, deadline=None)
@given(generators())
def test_floats_are_refused_in_one_line(rng: Random) -> None:
    model = random_model(rng, 6, "FLOAT32")
    try:
        program_of(model, Rows(), Limits(states=200), Watch())
    except ModelError as error:
        assert "\n" not in str(error)
        assert "int8" in str(error) or "cannot" in str(error)
    else:
        raise AssertionError("a model of floats was run row by row")
