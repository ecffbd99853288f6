"""A model as a program of row steps."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

from hmcos.errors import ModelError
from hmcos.frontends.loading import format_called
from hmcos.frontends.model import Model
from hmcos.limits import Limits, Watch
from hmcos.streaming.program import RowProgram, Rows
from hmcos.streaming.row_network import RowNetwork, row_network
from hmcos.streaming.row_program import row_program


def program_of(model: Model, rows: Rows, limits: Limits, watch: Watch) -> RowProgram:
    """Return a model as a program of row steps with the least memory that is found within the limits.

    Raises:
        ModelError: models of this format, or this one, cannot be run row by row; names the file, the operator
            and the way out.
    """
    with _named(model):
        rules = format_called(model.format).rows(model)
        return row_program(model.graph, rules, rows, limits, watch)


def laid_out(model: Model, rows: Rows) -> RowNetwork:
    """Return the operators of a model as they run row by row, without an order.

    Raises:
        ModelError: as `program_of`.
    """
    with _named(model):
        return row_network(model.graph, format_called(model.format).rows(model), rows)


@contextmanager
def _named(model: Model) -> Generator[None]:
    """Begin what is wrong with a model by its path."""
    try:
        yield
    except ModelError as error:
        raise ModelError(f"{model.path}: {error}" if model.path else str(error)) from error
