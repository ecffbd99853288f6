from hmcos.allocation.exact.aims import Aims


def test_a_round_climbs_from_the_middle_to_the_best_size_and_starts_again() -> None:
    aims, seen = Aims(), list[int]()
    for _ in range(6):
        seen.append(aims.next(100, 200, 20))
        aims.fail(seen[-1])
    assert seen == [149, 174, 187, 149, 174, 187]
    assert aims.round == 1


def test_a_better_size_lowers_the_next_aim_and_a_gap_of_one_leaves_only_the_bound() -> None:
    aims = Aims()
    assert aims.next(100, 200, 1) == 149
    aims.fail(149)
    assert aims.next(100, 160, 1) == 154
    assert [aims.next(100, 101, 1) for _ in range(3)] == [100, 100, 100]


def test_finer_rounds_reach_every_size_of_the_gap_just_below_the_best() -> None:
    aims, seen = Aims(), set[int]()
    for _ in range(40):
        aim = aims.next(963, 990, 27 >> (3 + aims.round))
        assert 963 <= aim < 990
        seen.add(aim)
        aims.fail(aim)
    assert 989 in seen
