"""What goes on, told to the standard `logging` under "hmcos"; silent until somebody asks for it."""

from __future__ import annotations

import sys
from dataclasses import dataclass

from hmcos.words import one_line

DEBUG, INFO = 10, 20
"""The levels of `logging`."""


@dataclass(frozen=True, slots=True)
class Log:
    """A logger of a name below "hmcos".

    `logging` takes 10 ms to import, a tenth of a short run. While nobody has imported it, nobody can have
    asked for messages, so there is nothing to do.
    """

    name: str

    def info(self, message: str, *values: object) -> None:
        """Log that a step of a task is done; `values` are put into the message as by `%`."""
        self._tell(INFO, message, values)

    def debug(self, message: str, *values: object) -> None:
        """Log a detail, such as each improvement of a search."""
        self._tell(DEBUG, message, values)

    def _tell(self, level: int, message: str, values: tuple[object, ...]) -> None:
        logging = sys.modules.get("logging")
        if logging is None:
            return
        logger = logging.getLogger(self.name)
        if logger.isEnabledFor(level):
            # A name from a file may contain a line end, which would look like another message.
            plain = (value if isinstance(value, int | float) else one_line(str(value)) for value in values)
            logger.log(level, message, *plain, stacklevel=3)  # the line that calls info or debug


def is_heard(level: int = INFO) -> bool:
    """Return whether anybody asked for messages of a level."""
    logging = sys.modules.get("logging")
    return logging is not None and bool(logging.getLogger("hmcos").isEnabledFor(level))
