"""Check that the steps of a row plan read what their operators need, and that all that is needed is made."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import prod

from hmcos.errors import VerifyError
from hmcos.graph.graph import Graph
from hmcos.graph.rowwise import RowRules, row_shape
from hmcos.plan.row_parts import Role
from hmcos.plan.row_plan import PlannedOperator, RowPlan
from hmcos.verify.rows.row_sources import Row, RowSources


@dataclass(frozen=True)
class RowReads:
    """A plan beside the network that it is for."""

    plan: RowPlan
    graph: Graph
    rules: RowRules

    @cached_property
    def sources(self) -> RowSources:
        """The rules, and what the plan computes."""
        return RowSources(self.graph, self.rules, self.plan.base)

    def check(self) -> None:
        """Check operators, tensors and reads.

        Raises:
            VerifyError: something differs; names the operator or the tensor.
        """
        self._check_tensors()
        for operator in self.plan.operators:
            if operator.role is not Role.FEED:
                self._check_operator(operator)
        self._check_views()

    def _check_tensors(self) -> None:
        graph, plan = self.graph, self.plan
        if (plan.inputs, plan.outputs) != (graph.inputs, graph.outputs):
            raise VerifyError("inputs, outputs_of_network: are not those of the source")
        for each in plan.tensors:
            if each.tensor >= len(graph.tensors) or graph.tensors[each.tensor].is_parameter:
                raise VerifyError(f"tensors: there is no computed tensor {each.tensor}")
            tensor = graph.tensors[each.tensor]
            if (each.rows, each.size) != tuple(row_shape(tensor)) or each.name != tensor.name:
                shape = row_shape(tensor)
                raise VerifyError(
                    f"tensor {each.tensor}: is {tensor.name!r}, {shape.rows} rows of {shape.size} bytes; the "
                    f"plan says {each.name!r}, {each.rows} rows of {each.size}"
                )

    def _check_operator(self, operator: PlannedOperator) -> None:
        ops = self.graph.operators
        if operator.number >= len(ops) or ops[operator.number].kind != operator.kind:
            raise VerifyError(f"operators: there is no {operator.title} in the source")
        op = ops[operator.number]
        if operator.makes != op.makes:
            raise VerifyError(f"{operator.title}: makes tensors {op.makes}, not {operator.makes}")
        behind = {n for n in operator.folded if n >= len(ops)}
        if behind:
            raise VerifyError(f"{operator.title}: folds operators that the source does not have")
        if operator.role is Role.SUM:
            self._check_sum(operator)
            return
        for step in range(operator.steps):
            needed: set[Row] = set()
            for k, t in enumerate(operator.makes):
                rows = row_shape(self.graph.tensors[t]).rows
                of_step = range(rows) if operator.role is Role.WHOLE else range(step, min(step + 1, rows))
                for row in of_step:
                    if operator.role is Role.WHOLE or self._is_made(t, row):
                        needed |= self.sources.read(operator.number, k, row)
            if not needed <= self.read(operator, step):
                t, row = min(needed - self.read(operator, step))
                raise VerifyError(f"{operator.title}, step {step}: does not read row {row} of tensor {t}")

    def _check_sum(self, operator: PlannedOperator) -> None:
        """Check that an operator adds every row that it needs, once."""
        needed = self.sources.read(operator.number, 0, 0)
        self._check_sizes(operator, needed)
        added: set[Row] = set()
        for step in range(operator.steps):
            rows = self.read(operator, step)
            if operator.steps > 1 and (len(rows) != 1 or not added.isdisjoint(rows)):
                raise VerifyError(
                    f"{operator.title}, step {step}: must add one row that was not added before"
                )
            added |= rows
        if needed != added:
            t, row = min(needed ^ added)
            raise VerifyError(f"{operator.title}: adds row {row} of tensor {t} wrongly, or not at all")

    def _check_sizes(self, operator: PlannedOperator, needed: set[Row]) -> None:
        """Check that there is a sum for each element made, and that none can be too large for its bytes."""
        sums = operator.accumulator
        if sums is None:
            return
        elements = prod(self.graph.tensors[operator.makes[0]].shape)
        if sums.elements != elements:
            raise VerifyError(f"{operator.title}: sums up {sums.elements} elements, but it makes {elements}")
        added = sum(
            prod(self.graph.tensors[t].shape) // row_shape(self.graph.tensors[t]).rows for t, _ in needed
        )
        is_weighted = operator.kind not in ("AVERAGE_POOL_2D", "MEAN", "SUM")
        least = 4 if is_weighted or added > 256 * elements else 2
        if operator.kind in ("REDUCE_MAX", "REDUCE_MIN"):
            least = 1
        if sums.width not in (1, 2, 4) or sums.width < least:
            raise VerifyError(
                f"{operator.title}: sums up in {sums.width} bytes an element, but needs {least}"
            )

    def read(self, operator: PlannedOperator, step: int) -> set[Row]:
        """Return the computed rows that a step reads by the plan."""
        return self.sources.behind((read.tensor, row) for read in operator.inputs for row in read.needs[step])

    def _is_made(self, t: int, row: int) -> bool:
        return self.plan.tensor(t).offsets[row] >= 0

    def _check_views(self) -> None:
        """Check that tensors without rows of their own lie where the rows lie that they consist of."""
        for each in self.plan.tensors:
            if each.tensor in self.plan.base:
                continue
            if not self.sources.is_moved(each.tensor):
                raise VerifyError(f"tensor {each.tensor}: is not made by any operator")
            for row, offset in enumerate(each.offsets):
                behind = self.sources.behind([(each.tensor, row)])
                places = {self.plan.tensor(t).offsets[r] for t, r in behind}
                if places != {offset}:
                    raise VerifyError(
                        f"tensor {each.tensor}, row {row}: lies at {offset}, what it consists of elsewhere"
                    )
