"""Bounds that look at each section between forced states are those of the problem as a whole."""

from __future__ import annotations

from unittest.mock import patch

from hypothesis import given

from hmcos.memory import bounds, sections
from hmcos.memory.bounds import must_live, operand_bound
from hmcos.memory.problem import Problem
from property.strategies import problems


@given(problems())
def test_what_must_live_is_the_same_by_sections(problem: Problem) -> None:
    whole = must_live(problem)
    with patch.object(sections, "LEAST", 1):
        parts = sections.sections(problem)
        assert [op for part in parts for op in part.operators] == list(range(problem.operators))
        assert must_live(problem) == whole


@given(problems())
def test_in_a_section_that_is_too_large_an_operator_counts_with_its_operands(problem: Problem) -> None:
    whole = must_live(problem)
    with patch.object(bounds, "LARGEST_SECTION", 0):
        least = must_live(problem)
    assert all(few <= many for few, many in zip(least, whole, strict=True))
    assert max(least, default=0) <= operand_bound(problem)
