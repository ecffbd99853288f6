from __future__ import annotations

from dataclasses import replace

from hmcos.plan.row_lives import row_lives
from hmcos.tasks.draw.row_scene import INPUT, SUMS, RowScene, row_scene
from row_plans import small_plan


def scene() -> RowScene:
    return row_scene(small_plan())


def test_bands_cover_what_lives_and_nothing_else() -> None:
    plan = small_plan()
    wanted = {
        (step, byte)
        for life in row_lives(plan)
        for step in range(life.birth, life.death)
        for byte in range(life.offset, life.offset + life.size)
    }
    found = [
        (step, byte)
        for band in row_scene(plan).bands
        for step in range(band.birth, band.death)
        for byte in range(band.offset, band.offset + band.size)
    ]
    assert sorted(found) == sorted(wanted)


def test_rows_that_lie_together_and_live_as_long_are_one_band() -> None:
    bands = [(one.offset, one.rows, one.birth, one.death) for one in scene().bands if one.operator < 0]
    # The last step of the convolution is the last reader of rows 2 and 3.
    assert bands == [(21, 1, 0, 2), (23, 1, 0, 4), (25, 2, 0, 6)]


def test_what_is_in_use_adds_up() -> None:
    found, lives = scene(), row_lives(small_plan())
    assert found.live == tuple(
        sum(life.size for life in lives if life.birth <= step < life.death) for step in range(8)
    )
    assert found.live[found.peak_moment] == max(found.live)
    assert sum(size for _, size in found.at_peak) == max(found.live)
    assert found.at_peak[-1][0] == -1  # the input is on top


def test_layers_have_their_depth_by_their_first_step() -> None:
    found = scene()
    assert (found.depth(0), found.depth(1), found.depth(-1), found.depth(1, -1)) == (0, 1, INPUT, SUMS)
    assert found.runs[:3] == ((0, 0, 2), (1, 2, 3), (0, 3, 4))
    assert found.most == {-1: 8, 0: 6, 1: 3}


def test_labels_have_room_within_the_rows_of_their_operator() -> None:
    found = scene()
    for block in found.blocks:
        covered = {
            (step, byte)
            for band in found.bands
            if band.operator == block.operator
            for step in range(band.birth, band.death)
            for byte in range(band.offset, band.offset + band.size)
        }
        assert block.size > 0
        assert block.offset < block.middle < block.offset + block.size
        for step in range(block.birth, block.death):
            assert all((step, byte) in covered for byte in range(block.offset, block.offset + block.size))


def test_a_plan_without_steps_has_a_scene() -> None:
    found = row_scene(small_plan(steps=(), operators=()))
    assert found.steps == 1
    assert found.live == (8,)


def test_an_operator_of_which_no_step_runs_has_a_depth() -> None:
    plan = small_plan()
    idle = replace(plan.operators[0], number=9)
    assert row_scene(replace(plan, operators=(*plan.operators, idle))).depth(len(plan.operators)) == 0
