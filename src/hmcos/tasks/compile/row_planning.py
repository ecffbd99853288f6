"""A row program as a plan that can be saved, and back to a program that code is generated from."""

from __future__ import annotations

from dataclasses import fields, replace

from hmcos.backends.c.naming import Naming
from hmcos.errors import PlanError
from hmcos.frontends.model import Model
from hmcos.graph.graph import Graph
from hmcos.memory.problem import Problem
from hmcos.network.streaming import laid_out
from hmcos.plan.plan import Source
from hmcos.plan.row_parts import Accumulator, RowTensor
from hmcos.plan.row_plan import PlannedOperator, PlannedTensor, RowPlan
from hmcos.streaming.program import Feeding, RowOperator, RowProgram, Rows, RowStep

_NOTHING = Problem((), (), (), (), (), (), (), ())
"""The problem of a program that was not searched for: code does not depend on it."""


def row_plan_of(program: RowProgram, source: Source, graph: Graph, naming: Naming) -> RowPlan:
    """Return the plan of a program, without figures for comparison and without files."""
    return RowPlan(
        source=source,
        name=naming.name,
        sections=(naming.flash, naming.ram),
        by_rows=program.rows.input is Feeding.ROWS,
        rounded_to=program.rows.alignment,
        operators=tuple(map(_planned, program.operators)),
        steps=tuple((step.operator, step.step) for step in program.steps),
        tensors=tuple(
            PlannedTensor(each.tensor, each.rows, each.size, each.offsets, graph.tensors[each.tensor].name)
            for each in program.tensors
        ),
        inputs=program.inputs,
        outputs=program.outputs,
        peak=program.peak,
        lower_bound=program.lower_bound,
        status=program.status,
        arena=program.arena,
        arena_lower_bound=program.arena_lower_bound,
        alignment=program.alignment,
        drive=program.drive,
        cuts=program.cuts,
        flash={},
        seconds=program.seconds,
    )


def _planned(operator: RowOperator) -> PlannedOperator:
    return PlannedOperator(*(getattr(operator, each.name) for each in fields(PlannedOperator)))


def program_of_plan(model: Model, plan: RowPlan) -> RowProgram:
    """Return the program that a plan was made of, so that the same code can be generated again.

    The operators are made again from the model; steps and offsets are those of the plan.

    Raises:
        ModelError: the model cannot be run row by row.
        PlanError: the plan has other operators or tensors than this version makes of the model.
    """
    rows = Rows(Feeding.ROWS if plan.by_rows else Feeding.WHOLE, plan.rounded_to)
    network = laid_out(model, rows)
    operators = tuple(
        replace(operator, accumulator=_placed(operator.accumulator, planned))
        for operator, planned in zip(network.operators, plan.operators, strict=False)
    )
    shapes = {each.tensor: (each.rows, each.size) for each in plan.tensors}
    if (
        tuple(map(_planned, operators)) != plan.operators
        or {t: tuple(shape) for t, shape in network.shapes.items()} != shapes
        or (model.graph.inputs, model.graph.outputs) != (plan.inputs, plan.outputs)
    ):
        raise PlanError(
            f"{plan.file or 'the plan'}: has other operators than this version of hmcos makes of "
            f"{plan.source.name}; run hmcos compile on it again"
        )
    return RowProgram(
        operators=operators,
        steps=tuple(RowStep(*step) for step in plan.steps),
        tensors=tuple(RowTensor(each.tensor, each.rows, each.size, each.offsets) for each in plan.tensors),
        inputs=plan.inputs,
        outputs=plan.outputs,
        rows=rows,
        peak=plan.peak,
        lower_bound=plan.lower_bound,
        status=plan.status,
        arena=plan.arena,
        arena_lower_bound=plan.arena_lower_bound,
        alignment=plan.alignment,
        drive=plan.drive,
        cuts=plan.cuts,
        problem=_NOTHING,
        order=(),
        lives=(),
        offsets=(),
        seconds=plan.seconds,
    )


def _placed(accumulator: Accumulator | None, planned: PlannedOperator) -> Accumulator | None:
    if accumulator is None or planned.accumulator is None:
        return accumulator
    return replace(accumulator, offset=planned.accumulator.offset)
