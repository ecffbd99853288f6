import random

import pytest

from hmcos.zoo.watts_strogatz import small_world


def test_without_moves_it_is_a_ring() -> None:
    assert small_world(6, 4, 0.0, random.Random(0)) == [(), (0,), (0, 1), (1, 2), (0, 2, 3), (0, 1, 3, 4)]


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize(("nodes", "k"), [(3, 2), (5, 4), (32, 4), (20, 6)])
def test_moves_keep_the_number_of_edges(nodes: int, k: int, seed: int) -> None:
    before = small_world(nodes, k, 0.75, random.Random(seed))
    assert sum(len(smaller) for smaller in before) == nodes * k // 2
    for node, smaller in enumerate(before):
        assert list(smaller) == sorted(set(smaller))
        assert all(0 <= other < node for other in smaller)


def test_a_higher_p_moves_more_edges() -> None:
    ring = small_world(200, 4, 0.0, random.Random(0))

    def kept(p: float) -> int:
        drawn = small_world(200, 4, p, random.Random(0))
        return sum(len(set(a) & set(b)) for a, b in zip(ring, drawn, strict=True))

    assert 400 > kept(0.1) > 320 > kept(0.5) > 150 > kept(1.0)


def test_one_seed_one_graph() -> None:
    drawn = [small_world(32, 4, 0.75, random.Random(seed)) for seed in (0, 0, 1)]
    assert drawn[0] == drawn[1] != drawn[2]


def test_a_full_graph_has_nowhere_to_move_to() -> None:
    assert small_world(5, 4, 1.0, random.Random(0)) == [tuple(range(node)) for node in range(5)]
