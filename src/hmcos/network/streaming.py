"""A model as a program of row steps."""

from __future__ import annotations

from hmcos.errors import ModelError
from hmcos.frontends.loading import format_called
from hmcos.frontends.model import Model
from hmcos.limits import Limits, Watch
from hmcos.streaming.program import RowProgram, Rows
from hmcos.streaming.row_program import row_program


def program_of(model: Model, rows: Rows, limits: Limits, watch: Watch) -> RowProgram:
    """Return a model as a program of row steps with the least memory that is found within the limits.

    Raises:
        ModelError: models of this format, or this one, cannot be run row by row; names the file, the operator
            and the way out.
    """
    name = f"{model.path}: " if model.path else ""
    try:
        rules = format_called(model.format).rows(model)
        return row_program(model.graph, rules, rows, limits, watch)
    except ModelError as error:
        raise ModelError(f"{name}{error}") from error
