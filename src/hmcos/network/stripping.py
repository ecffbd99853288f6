"""A model without the operators that quantize its float inputs and make its float outputs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

from hmcos.errors import OptionError
from hmcos.frontends.format import Format
from hmcos.frontends.model import Model
from hmcos.graph.float_ends import float_ends, without
from hmcos.graph.graph import Graph
from hmcos.graph.rewrite import OperatorStep, Rewrite
from hmcos.memory.target import Target
from hmcos.network.opening import Opened
from hmcos.network.scratch_names import translated, translated_back


def ends_of(opened: Opened) -> tuple[int, ...]:
    """Return the operators that can be stripped of a model, by number.

    Raises:
        OptionError: the source is a problem, or models of its format cannot be changed.
    """
    model, form = _model(opened)
    if form.float_ends is None:
        raise OptionError(f"models of the format {form.name} cannot be stripped of float inputs and outputs")
    return float_ends(model.graph, *form.float_ends)


@dataclass(frozen=True)
class Stripped:
    """A model without some of its ends; without none of them, the model itself."""

    source: Opened
    ends: tuple[int, ...]
    """Operators of the source that are gone, by number."""
    opened: Opened
    """As the source, with the changed model."""
    rewrite: Rewrite

    @cached_property
    def numbers(self) -> tuple[int, ...]:
        """The operators that are left: their numbers in the source."""
        return tuple(step.number for step in self.rewrite.steps if isinstance(step, OperatorStep))

    def target(self, target: Target) -> Target:
        """Return a target for the changed model, from that for the source."""
        return translated(target, *self._graphs, self.rewrite)

    def target_of_source(self, target: Target) -> Target:
        """Return a target for the source, from that for the changed model."""
        return translated_back(target, *self._graphs, self.rewrite)

    @property
    def model(self) -> Model:
        """The source with its ends."""
        assert self.source.model is not None, "only models have ends"
        return self.source.model

    @property
    def _graphs(self) -> tuple[Graph, Graph]:
        assert self.opened.model is not None, "only models have ends"
        return self.model.graph, self.opened.model.graph


def stripped(source: Opened, ends: tuple[int, ...]) -> Stripped:
    """Return a model without some of its ends.

    Raises:
        OptionError: the source is a problem.
        ModelError: the model cannot be written otherwise than it is.
    """
    model, form = _model(source)
    rewrite = without(model.graph, ends)
    if not ends:
        return Stripped(source, ends, source, rewrite)
    changed = replace(form.rewritten(model, rewrite), origin=model)
    return Stripped(source, ends, replace(source, model=changed), rewrite)


def _model(opened: Opened) -> tuple[Model, Format]:
    model, form = opened.model, opened.format
    if model is None or form is None:
        raise OptionError(f"{opened.source.name}: is a problem; only a model has a graph that can be tiled")
    return model, form
