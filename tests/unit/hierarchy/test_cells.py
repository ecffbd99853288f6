"""Cells by post-dominance, and what intrudes into the next."""

from __future__ import annotations

from dataclasses import replace

from hmcos.hierarchy.cells import Cell, find_cells
from hmcos.hierarchy.sequences import join_sequences, single_sequences
from networks import problem_of, two_cells


def test_given_ends_make_cells_and_intrusions() -> None:
    cells = find_cells(join_sequences(two_cells()), ends=[3, 7])
    assert [(cell.sequences, cell.end, cell.intrudes) for cell in cells] == [
        ((1, 2, 3), 3, False),
        ((4, 5), 3, True),
        ((6, 7), 7, False),
    ]


def test_a_cell_knows_how_it_hangs_together_with_the_rest() -> None:
    first, intrusion, second = find_cells(join_sequences(two_cells()), ends=[3, 7])
    assert first == Cell(
        sequences=(1, 2, 3),
        end=3,
        intrudes=False,
        input_frontier=(1, 2),
        output_frontier=(3,),
        entrances=(1, 2),
        exits=(3,),
        consumed=((1, 2),),
        produced=((4, 2),),
    )
    assert intrusion.consumed == ((4, 2),)
    assert intrusion.produced == ((5, 1), (6, 1))
    assert (intrusion.entrances, intrusion.exits) == ((4, 5), (4, 5))
    assert second.consumed == ((1, 1), (5, 1), (6, 1))
    assert second.produced == ((8, 0),), "a kept buffer is produced although nobody reads it"
    assert (second.entrances, second.exits) == ((6,), (7,))
    assert (second.input_frontier, second.output_frontier) == ((6, 7), (7,))


def test_no_intrusion_when_it_would_leave_more_behind() -> None:
    net = two_cells()
    wide = replace(net, sizes=(4, 4, 4, 4, 8, 5, 5, 4, 6))
    assert not any(cell.intrudes for cell in find_cells(join_sequences(wide), ends=[3, 7]))


def test_equal_outgoing_bytes_take_the_larger_part() -> None:
    even = replace(two_cells(), sizes=(4, 4, 4, 4, 8, 4, 4, 4, 6))
    assert any(cell.intrudes for cell in find_cells(join_sequences(even), ends=[3, 7]))


def test_an_intrusion_of_one_stays_where_it_is() -> None:
    net = problem_of([[0], [0], [1, 2], [3], [4, 0]], [1, 4, 4, 8, 2, 1], kept=[5])
    assert not any(cell.intrudes for cell in find_cells(single_sequences(net), ends=[2]))


def test_an_intrusion_goes_as_deep_as_it_gains() -> None:
    # Behind operator 2: 3 keeps 8 bytes, 4 brings them down to 1, 5 up to 2 again.
    net = problem_of([[0], [0], [1, 2], [3], [4], [5], [6, 0]], [1, 4, 4, 8, 8, 1, 2, 1], kept=[7])
    cells = find_cells(single_sequences(net), ends=[2])
    assert [cell.sequences for cell in cells] == [(0, 1, 2), (3, 4)]


def test_what_leaves_nothing_behind_comes_along_even_when_the_rest_cannot() -> None:
    # 5 reads the end and another operator, so that the end's buffer stays; 3 and 4 leave nothing.
    net = problem_of([[0], [0], [1, 2], [3], [3], [3, 1]], [1, 4, 4, 8, 1, 1, 1], kept=[6])
    cells = find_cells(single_sequences(net), ends=[2])
    assert [(cell.sequences, cell.intrudes) for cell in cells] == [((1, 2), False), ((3, 4), True)]


def test_graph_outputs_behind_an_end_count_as_left_behind() -> None:
    net = problem_of([[0], [0], [1, 2], [3], [3]], [1, 4, 4, 8, 5, 5], kept=[4, 5])
    assert not any(cell.intrudes for cell in find_cells(single_sequences(net), ends=[2]))
    small = replace(net, sizes=(1, 4, 4, 8, 4, 4))
    assert any(cell.intrudes for cell in find_cells(single_sequences(small), ends=[2]))


def test_what_is_kept_is_left_behind_even_when_all_its_readers_come_along() -> None:
    net = problem_of([[0], [0], [1, 2], [3], [4]], [1, 4, 4, 8, 9, 1], kept=[4, 5])
    assert not any(cell.intrudes for cell in find_cells(single_sequences(net), ends=[2]))


def test_what_reads_an_input_is_not_dominated() -> None:
    net = problem_of([[0], [0], [1, 2], [3, 0], [3], [4, 5]], [1, 4, 4, 8, 1, 1, 1], kept=[6])
    assert not any(cell.intrudes for cell in find_cells(single_sequences(net), ends=[2]))


def test_without_ends_the_outermost_of_limited_size_are_taken() -> None:
    sequences = join_sequences(two_cells())
    assert [cell.sequences for cell in find_cells(sequences)] == [tuple(range(8))]
    assert [cell.sequences for cell in find_cells(sequences, largest=3)] == [(1, 2, 3), (4, 5), (6, 7)]


def test_a_graph_output_inside_leaves_the_cell() -> None:
    net = replace(two_cells(), kept=(2, 8))
    assert find_cells(join_sequences(net), ends=[3])[0].sequences == (2, 3)


def test_an_end_that_does_not_start_a_sequence_ends_no_cell() -> None:
    net = problem_of([[0], [1], [2]], [8, 8, 4, 2], kept=[3])
    assert find_cells(join_sequences(net), ends=[2]) == ()


def test_an_end_that_an_intrusion_has_taken_ends_no_cell() -> None:
    cells = find_cells(join_sequences(two_cells()), ends=[3, 5, 7])
    assert [cell.end for cell in cells] == [3, 3, 7]


def test_without_operators_with_several_predecessors_there_are_no_cells() -> None:
    assert find_cells(single_sequences(problem_of([[0], [1], [1]], [1] * 4, kept=[2, 3]))) == ()
    assert find_cells(single_sequences(problem_of([], [5]))) == ()
