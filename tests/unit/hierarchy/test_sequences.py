"""The published join rule, one condition at a time."""

from __future__ import annotations

from dataclasses import replace

from hmcos.hierarchy.sequences import join_sequences, single_sequences
from networks import problem_of, two_cells


def test_a_chain_that_only_shrinks_is_one_sequence() -> None:
    chain = problem_of([[0], [1], [2]], [8, 8, 4, 2], kept=[3])
    assert join_sequences(chain).operators == ((0, 1, 2),)


def test_an_operator_that_leaves_more_does_not_join() -> None:
    chain = problem_of([[0], [1], [2]], [9, 2, 3, 1], kept=[3])
    assert join_sequences(chain).operators == ((0,), (1, 2))


def test_an_operator_that_lifts_the_running_memory_does_not_join() -> None:
    # The sum of the first needs 4 bytes more than before; the second would need 4 + 4 and leave 4.
    chain = problem_of([[0], [1]], [1, 4, 4], kept=[2])
    assert join_sequences(chain).operators == ((0,), (1,))
    assert join_sequences(replace(chain, may_overwrite=((), (1,)))).operators == ((0, 1),)


def test_scratch_counts_as_running_memory() -> None:
    chain = problem_of([[0], [1]], [8, 8, 0], kept=[2])
    assert join_sequences(chain).operators == ((0, 1),)
    assert join_sequences(replace(chain, scratch=(0, 9))).operators == ((0,), (1,))


def test_running_memory_starts_from_what_the_sequence_has_left() -> None:
    # The second operator leaves 4 bytes less than the start, so that scratch of 10 needs no more than 8.
    chain = replace(problem_of([[0], [1], [2]], [8, 8, 4, 0], kept=[3]), scratch=(0, 0, 10))
    assert join_sequences(chain).operators == ((0, 1, 2),)


def test_a_value_with_two_readers_ends_its_sequence() -> None:
    fork = problem_of([[0], [1], [1]], [4, 4, 1, 1], kept=[2, 3])
    assert join_sequences(fork).operators == ((0,), (1,), (2,))


def test_an_operator_with_another_source_starts_a_sequence() -> None:
    with_input = problem_of([[0], [2, 1]], [4, 1, 4, 1], inputs=2, kept=[3])
    assert join_sequences(with_input).operators == ((0,), (1,))


def test_a_graph_output_with_an_inner_reader_ends_its_sequence() -> None:
    chain = problem_of([[0], [1]], [4, 4, 0], kept=[1, 2])
    assert join_sequences(chain).operators == ((0,), (1,))
    assert join_sequences(replace(chain, kept=(2,))).operators == ((0, 1),)


def test_an_input_with_another_reader_is_not_counted_as_killed() -> None:
    # Were input 0 freed by operator 0, operator 1 would leave less than the start; it stays.
    shared = problem_of([[0], [1], [0]], [8, 1, 2, 1], kept=[2, 3])
    assert join_sequences(shared).operators == ((0,), (1,), (2,))


def test_sequences_know_who_follows_whom() -> None:
    found = join_sequences(problem_of([[0], [1], [2], [2], [3, 4]], [8, 8, 4, 2, 2, 1], kept=[5]))
    assert found.operators == ((0, 1), (2,), (3,), (4,))
    assert found.owner == (0, 0, 1, 2, 3)
    assert found.predecessors == ((), (0,), (0,), (1, 2))
    assert found.successors == ((1, 2), (3,), (3,), ())


def test_without_joining_every_operator_is_a_sequence() -> None:
    assert single_sequences(two_cells()).operators == tuple((op,) for op in range(8))


def test_no_operators_make_no_sequences() -> None:
    assert len(join_sequences(problem_of([], [5]))) == 0
