"""The errors that hmcos raises for wrong input.

    HmcosError
    ├── ModelError       a model file cannot be read, or its network cannot be scheduled
    │   └── SizeError    sizes are unknown, mostly because symbolic dimensions are not bound
    ├── InstanceError    a file of a problem or of lives is wrong
    ├── TargetError      a target file or name is wrong
    │   └── UnknownTargetError   no target has this name; also an OptionError
    ├── PlanError        a plan file is wrong, or does not belong to this model
    ├── OptionError      an option or argument is wrong
    ├── OutputError      a result cannot be written to the requested place
    ├── ToolError        a program or package that a task needs is missing, or failed
    ├── VerifyError      a plan or a written model failed an independent check
    └── NotRunError      a runtime could not run a model, so its outputs are unknown
        └── LimitError   a limit of time or memory ended the run

Each message is one line: what is wrong, where (file, operator, tensor), and what to do about it. Names, paths
and options in it come from untrusted files and commands: they are cut at 200 characters, and control
characters are escaped. Running out of time or over a budget is a status of the result, not an error.
"""

from __future__ import annotations

from hmcos.words import one_line


class HmcosError(Exception):
    """The root of all errors that hmcos raises on purpose."""

    def __init__(self, message: str) -> None:
        # One place cuts and escapes the messages of all errors.
        super().__init__(one_line(message))


class ModelError(HmcosError):
    """A model that cannot be read or scheduled."""


class SizeError(ModelError):
    """A model that is valid except that some of its sizes are unknown."""

    def __init__(self, message: str, unbound: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.unbound = unbound
        """The sizes without a symbol that can be bound, as TENSOR:AXIS, in the order of the operators."""


class InstanceError(HmcosError):
    """A file of a problem or of lives that is malformed or breaks a rule."""


class TargetError(HmcosError):
    """A target (what may share memory) that is unknown or malformed."""


class PlanError(HmcosError):
    """A plan that is malformed or belongs to another model."""


class OptionError(HmcosError):
    """A wrong option or argument."""


class UnknownTargetError(TargetError, OptionError):
    """A target name that no target has."""


class OutputError(HmcosError):
    """A result that cannot be written to the requested place."""


class ToolError(HmcosError):
    """A program or package that a task needs is missing, or failed."""


class VerifyError(HmcosError):
    """A result that failed an independent check; nothing is written then."""


class NotRunError(HmcosError):
    """A model that a runtime could not run: it does not load, an operator is missing, or it crashes."""


class LimitError(NotRunError):
    """A run that a limit of time or memory ended; a higher limit may let it finish."""
