"""Everything that hmcos may raise for wrong input.

    HmcosError
    ├── ModelError       a model file cannot be read, or says something that cannot be scheduled
    │   └── SizeError    sizes stay unknown, mostly because symbolic dimensions are not bound
    ├── InstanceError    a problem given as numbers breaks one of its rules
    ├── TargetError      a target file or name is wrong
    │   └── UnknownTargetError   no target has this name; an OptionError as well
    ├── PlanError        a plan file is wrong, or does not belong to this model
    ├── OptionError      a call or an option that does not make sense
    ├── OutputError      a result cannot be written where it was asked for
    ├── ToolError        a program or package that a picture needs is missing, or failed
    ├── VerifyError      a plan or a written model failed an independent check
    └── NotRunError      a runtime could not run a model, so that nothing is known of it
        └── LimitError   because a limit of time or memory ended it

Each message is one line: what is wrong, where (file, operator, tensor), and what to do about it. Names,
paths and options in it come from whoever wrote the file or the command: they are cut at 200 characters, and
what a terminal might obey is escaped.
Running out of time or over a budget is not an error but a status of the result.
"""

from __future__ import annotations

from hmcos.words import one_line


class HmcosError(Exception):
    """The root of all errors that hmcos raises on purpose."""

    def __init__(self, message: str) -> None:
        # Here, for all classes and all places that raise one: no message is longer than people read.
        super().__init__(one_line(message))


class ModelError(HmcosError):
    """A model that cannot be read or scheduled."""


class SizeError(ModelError):
    """A model that is fine except that some of its sizes are not known."""


class InstanceError(HmcosError):
    """A problem, given as numbers, that breaks one of its rules."""


class TargetError(HmcosError):
    """A target (what may share memory) that is unknown or ill-formed."""


class PlanError(HmcosError):
    """A plan that is ill-formed or belongs to another model."""


class OptionError(HmcosError):
    """An option or argument that does not make sense."""


class UnknownTargetError(TargetError, OptionError):
    """The name of a target that there is not."""


class OutputError(HmcosError):
    """A result that cannot be written where it was asked for."""


class ToolError(HmcosError):
    """A program or package that a picture needs and that is missing, or failed."""


class VerifyError(HmcosError):
    """A result that failed an independent check; nothing is written then."""


class NotRunError(HmcosError):
    """A model that a runtime could not run: it does not load, an operator is missing, or it crashes."""


class LimitError(NotRunError):
    """A run that a limit of time or memory ended; a higher limit may let it finish."""
