"""Laws of the hierarchy and of the schedulers that use it, against brute force."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations, islice
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hmcos.hierarchy.cells import Cell
from hmcos.hierarchy.dominators import entries, exits, operator_dominators, operator_post_dominators
from hmcos.hierarchy.refinement import crowded_buffers, crowded_cells, dissolve
from hmcos.hierarchy.tree import Tree, grow_tree
from hmcos.limits import Limits, Status, Watch
from hmcos.memory.problem import Problem
from hmcos.memory.profile import profile
from hmcos.schedulers.published.best_first import Attempts, BlockSearch, Meter
from hmcos.schedulers.published.blocks import measure, top_scope
from hmcos.schedulers.published.hmcos import HmcosParams, hmcos
from hmcos.schedulers.published.serenity import SerenityParams, serenity
from hmcos.schedulers.simple.rpo import reverse_post_order
from oracle import live, optimum, orders, peak_of, running
from property.strategies import problems, random_problem


def ways(problem: Problem) -> Iterator[tuple[int, ...]]:
    """Every way from an entry to an exit; a way may end at an inner exit or go on."""
    unfinished = [(op,) for op in entries(problem)]
    leaving = set(exits(problem))
    while unfinished:
        way = unfinished.pop()
        if way[-1] in leaving:
            yield way
        unfinished += [(*way, after) for after in problem.successors[way[-1]]]


@given(problems())
def test_dominators_stand_on_every_way(problem: Problem) -> None:
    before, after = operator_dominators(problem), operator_post_dominators(problem)
    everywhere = list(ways(problem))
    for a in range(problem.operators):
        for b in range(problem.operators):
            upto = [way[: way.index(b) + 1] for way in everywhere if b in way]
            onward = [way[way.index(b) :] for way in everywhere if b in way]
            assert before.dominates(a, b) == all(a in way for way in upto)
            assert after.dominates(a, b) == all(a in way for way in onward)


@st.composite
def trees(draw: st.DrawFn, max_operators: int = 9) -> Tree:
    """Trees with any operators as ends of cells, joined or not."""
    problem = draw(problems(max_operators))
    ends = draw(st.none() | st.sets(st.integers(0, max(0, problem.operators - 1))))
    if ends is not None and not problem.operators:
        ends = set[int]()
    return grow_tree(problem, ends, joined=draw(st.booleans()))


@given(trees())
def test_blocks_hold_every_operator_once_and_ascend_in_an_executable_order(tree: Tree) -> None:
    sequences = tree.sequences.operators
    assert sorted(op for members in sequences for op in members) == list(range(tree.problem.operators))
    assert sorted(s for block in tree.blocks for s in block) == list(range(len(sequences)))
    for after, before in [*enumerate(tree.sequences.predecessors)]:
        assert all(p < after for p in before)
    peak_of(tree.problem, [op for members in sequences for op in members])


@given(trees())
def test_contracted_cells_leave_no_cycle(tree: Tree) -> None:
    waiting = set(range(len(tree.blocks)))
    while waiting:
        ready = {block for block in waiting if waiting.isdisjoint(tree.predecessors[block])}
        assert ready, "a cycle among blocks"
        waiting -= ready


@given(trees())
def test_ways_out_of_a_cell_pass_its_end_and_ways_into_an_intrusion_too(tree: Tree) -> None:
    before, after = operator_dominators(tree.problem), operator_post_dominators(tree.problem)
    for cell in tree.cells:
        assert len(cell.sequences) > 1
        for op in members(tree, cell):
            if cell.intrudes:
                assert before.dominates(cell.end, op)
            else:
                # An end that heads a longer sequence leads its members out.
                tail = tree.sequences.operators[tree.sequences.owner[cell.end]]
                assert op in tail or after.dominates(cell.end, op)


def members(tree: Tree, cell: Cell) -> set[int]:
    return {op for s in cell.sequences for op in tree.sequences.operators[s]}


@given(trees())
def test_frontiers_and_reads_are_what_their_names_say(tree: Tree) -> None:
    problem, owner = tree.problem, tree.sequences.owner
    for cell in tree.cells:
        inside = members(tree, cell)
        made = {b for op in inside for b in problem.makes[op]}
        consumed = [b for op in inside for b in problem.reads[op] if b not in made]
        assert cell.consumed == tuple((b, consumed.count(b)) for b in sorted(set(consumed)))
        outside = {b: len(set(problem.readers[b]) - inside) for b in sorted(made)}
        produced = {b: reads for b, reads in outside.items() if reads or b in problem.kept}
        assert cell.produced == tuple(produced.items())
        assert set(cell.input_frontier) == {
            owner[op] for op in inside if not made.issuperset(problem.reads[op])
        }
        assert set(cell.output_frontier) == {owner[problem.producer[b]] for b in produced}
        edges = [(owner[p], owner[op]) for op in inside for p in problem.predecessors[op] if p in inside]
        assert set(cell.entrances) == set(cell.sequences) - {b for a, b in edges if a != b}
        assert set(cell.exits) == set(cell.sequences) - {a for a, b in edges if a != b}


@given(trees())
def test_no_closed_part_behind_an_end_leaves_fewer_bytes_than_its_intrusion(tree: Tree) -> None:
    """Over all closed subsets of the tree of sequences behind the end, as the published search tries them.

    Only for sequences that make one buffer: several are weighed as one.
    """
    sequences, problem = tree.sequences, tree.problem
    for cell in (cell for cell in tree.cells if cell.intrudes):
        head = sequences.owner[cell.end]
        behind = only_behind(tree, head)
        if any(len(problem.makes[sequences.operators[s][-1]]) > 1 for s in (head, *behind)):
            continue
        chosen = leaves_behind(tree, {head, *cell.sequences})
        for size in range(len(behind) + 1):
            for part in combinations(behind, size):
                if all(set(sequences.predecessors[s]) <= {head, *part} for s in part):
                    assert chosen <= leaves_behind(tree, {head, *part})


def only_behind(tree: Tree, head: int) -> list[int]:
    found = [head]
    for s, before in enumerate(tree.sequences.predecessors):
        reads = {b for op in tree.sequences.operators[s] for b in tree.problem.reads[op]}
        if len(before) == 1 and before[0] in found and reads.isdisjoint(tree.problem.inputs):
            found.append(s)
    return found[1:]


def leaves_behind(tree: Tree, part: set[int]) -> int:
    problem, inside = tree.problem, {op for s in part for op in tree.sequences.operators[s]}
    made = {b for op in inside for b in problem.makes[op]}
    return sum(problem.sizes[b] for b in made if b in problem.kept or set(problem.readers[b]) - inside)


@given(trees(), st.integers(0, 2**16 - 1))
def test_dissolving_keeps_all_but_the_named_cells(tree: Tree, named: int) -> None:
    gone = {c for c in range(len(tree.cells)) if named >> c & 1}
    finer = dissolve(tree, gone)
    assert finer.cells == tuple(cell for c, cell in enumerate(tree.cells) if c not in gone)
    assert sorted(s for block in finer.blocks for s in block) == list(range(len(tree.sequences)))


@given(trees())
def test_crowded_buffers_are_live_at_a_peak(tree: Tree) -> None:
    problem = tree.problem
    for order in islice(orders(problem), 5):
        done: set[int] = set()
        top = peak_of(problem, order)
        found = set[int]() if sum(problem.sizes[b] for b in problem.inputs) < top else set(problem.inputs)
        for op in order:
            if running(problem, done, op) == top:
                found |= live(problem, done) | set(problem.makes[op])
            done.add(op)
        assert set(crowded_buffers(problem, order)) == found
        producing = {
            tree.cell_of[tree.sequences.owner[problem.producer[b]]] for b in found - set(problem.inputs)
        }
        assert producing - {None} <= crowded_cells(tree, order)


@given(problems(9))
def test_a_block_costs_what_the_profile_says(problem: Problem) -> None:
    mortal = frozenset(range(len(problem.sizes))) - problem.held
    for order in islice(orders(problem), 5):
        along = profile(problem, order)
        run = measure(problem, order, mortal)
        assert run.need == max(along.running, default=along.start) - along.start
        assert run.delta == (along.stable[-1] if order else along.start) - along.start


@given(problems(9), st.booleans())
def test_single_operators_are_searched_exactly(problem: Problem, budgeted: bool) -> None:
    """Without cells and joins the least peak is the optimum, and below it nothing is found."""
    flat = grow_tree(problem, (), joined=False)
    best = optimum(problem)
    start = sum(problem.sizes[b] for b in problem.inputs)
    scope = top_scope(flat, reverse_post_order(problem))
    floor = best if budgeted else 0
    found = BlockSearch(scope, best + 1, Meter(Limits(), Watch(), "law"), 10**6, {}).least(start, floor)
    assert found is not None
    assert peak_of(problem, found) == best
    assert BlockSearch(scope, best, Meter(Limits(), Watch(), "law"), 10**6, {}).least(start, 0) is None


@pytest.mark.slow
@given(trees(), st.integers(0, 60))
def test_blocks_are_searched_exactly(tree: Tree, generous: int) -> None:
    """The least peak over all orders that run each block as one: no such order is better.

    Also when a generous search before has left what it knows about the cells.
    """
    problem = tree.problem
    start = sum(problem.sizes[b] for b in problem.inputs)
    scope = top_scope(tree, reverse_post_order(problem))
    meter, attempts = Meter(Limits(), Watch(), "law"), Attempts()
    assert BlockSearch(scope, 10**9, meter, 10**6, attempts).least(start, start + generous) is not None
    found = BlockSearch(scope, 10**9, meter, 10**6, attempts).least(start, 0)
    assert found is not None
    reached = peak_of(problem, found)
    for order in islice(orders(problem), 2_000):
        if runs_blocks_whole(tree, order):
            assert reached <= peak_of(problem, order)


def runs_blocks_whole(tree: Tree, order: tuple[int, ...]) -> bool:
    step = {op: at for at, op in enumerate(order)}
    groups = [*tree.sequences.operators]
    groups += [tuple(op for s in block for op in tree.sequences.operators[s]) for block in tree.blocks]
    return all(
        max(map(step.__getitem__, group)) - min(map(step.__getitem__, group)) == len(group) - 1
        for group in groups
    )


@given(problems(9), st.booleans())
def test_hmcos_answers_every_graph(problem: Problem, all_may_end: bool) -> None:
    ends = tuple(range(problem.operators)) if all_may_end else None
    found = hmcos(problem, Limits(), Watch(), HmcosParams(ends=ends))
    assert found.peak == peak_of(problem, found.order)
    assert found.lower_bound <= optimum(problem) <= found.peak
    assert found.peak <= peak_of(problem, reverse_post_order(problem))
    assert (found.status == Status.OPTIMAL) == (found.peak == found.lower_bound)


@given(problems(9), st.booleans(), st.booleans())
def test_serenity_answers_every_graph(problem: Problem, all_may_end: bool, joined: bool) -> None:
    ends = tuple(range(problem.operators)) if all_may_end else None
    params = SerenityParams(ends=ends, joined=joined, samples=5)
    found = serenity(problem, Limits(), Watch(), params)
    assert found.peak == peak_of(problem, found.order)
    assert found.lower_bound <= optimum(problem) <= found.peak
    assert (found.status == Status.OPTIMAL) == (found.peak == found.lower_bound)


@given(problems(9), st.integers(0, 40))
def test_the_state_limit_is_kept_and_the_order_complete(problem: Problem, states: int) -> None:
    for scheduler in (hmcos, serenity):
        found = scheduler(problem, Limits(states=states), Watch())
        assert found.peak == peak_of(problem, found.order)
        # One state is entered at a time, and what it leads to is counted at once.
        assert found.states <= states + 2 * problem.operators


def test_large_random_graphs_with_many_corners() -> None:
    for seed in range(12):
        problem = random_problem(Random(seed), 120)
        for found in (hmcos(problem, Limits(states=20_000), Watch()), serenity(problem, Limits(), Watch())):
            assert profile(problem, found.order).peak == found.peak >= found.lower_bound
