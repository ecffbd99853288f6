"""Build a problem by name, one operator after the other."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from operator import index
from typing import SupportsIndex, cast

from hmcos.errors import InstanceError
from hmcos.memory.problem import LARGEST, Problem
from hmcos.words import meant, shown


class ProblemBuilder:
    """Collects the buffers and operators of a network by name; `build` returns its problem.

    For searchers and compilers whose networks are in no file. A buffer is a name and a number of bytes; each
    call checks what it is given and changes nothing where it raises.

    >>> fork = ProblemBuilder()
    >>> fork.add_input("image", 10)
    >>> fork.add("widen", reads=["image"], makes={"wide": 100})
    >>> fork.add("narrow", reads=["wide"], makes={"narrow": 10})
    >>> fork.add("add", reads=["narrow", "image"], makes={"sum": 10}, overwrites=["narrow"])
    >>> fork.keep("sum")
    >>> fork.build()
    <Problem: 3 operators, 4 buffers of 130 B in all>
    """

    def __init__(self) -> None:
        self._sizes: dict[str, int] = {}
        """Buffer to its bytes; its number is its position."""
        self._numbers: dict[str, int] = {}
        self._inputs: list[int] = []
        self._kept: set[int] = set()
        self._names: list[str] = []
        self._reads: list[tuple[int, ...]] = []
        self._makes: list[tuple[int, ...]] = []
        self._may_overwrite: list[tuple[int, ...]] = []
        self._scratch: list[int] = []

    def __repr__(self) -> str:
        return f"<ProblemBuilder: {len(self._names):,} operators, {len(self._sizes):,} buffers>"

    def add_input(self, name: str, size: SupportsIndex) -> None:
        """Add a buffer of `size` bytes that is live from the start, until its last reader has run.

        An input that nobody reads is live to the end.

        Raises:
            InstanceError: there is a buffer of this name, or the size is no number of bytes.
        """
        title = f"input {name!r}"
        _check_name(name, "an input")
        self._check_new(name, title)
        self._inputs.append(self._new(name, _bytes(size, title)))

    def add(
        self,
        name: str,
        *,
        reads: Iterable[str] = (),
        makes: Mapping[str, SupportsIndex],
        overwrites: Iterable[str] = (),
        scratch: SupportsIndex = 0,
    ) -> None:
        """Add an operator, which can run once what it reads is made.

        Args:
            name: what plans and reports call it; it need not be unique.
            reads: the buffers that it reads, each of them an input or made by an operator before. A name that
                is repeated counts once.
            makes: the buffers that it makes, with their bytes. They are live until their last reader has run;
                one that nobody reads or keeps is live only while the operator runs.
            overwrites: the buffers among `reads` that its output may be written over, in place, in an order
                in which nobody reads them afterwards. It must then make exactly one buffer of more than 0
                bytes, which never takes the place of a smaller one.
            scratch: bytes that it needs only while it runs, besides what it reads and makes.

        Raises:
            InstanceError: a buffer is not there yet, is made twice, or may not be overwritten; a size or the
                scratch is no number of bytes. Names the operator and the buffer.
        """
        _check_name(name, "an operator")
        title = f"operator {len(self._names)} ({name!r})"
        read = self._known(reads, f"{title}: reads")
        sizes = self._sizes_of(makes, title)
        over = self._known(overwrites, f"{title}: overwrites")
        for buffer in over:
            if buffer not in read:
                raise InstanceError(f"{title}: overwrites {buffer!r}, which it does not read")
        if over and sum(size > 0 for size in sizes.values()) != 1:
            raise InstanceError(
                f"{title}: what overwrites a buffer makes exactly one of more than 0 bytes, not"
                f" {sum(size > 0 for size in sizes.values())}"
            )
        held = _bytes(scratch, f"{title}: scratch", most=None)
        self._names.append(name)
        self._reads.append(tuple(self._numbers[buffer] for buffer in read))
        self._makes.append(tuple(self._new(buffer, size) for buffer, size in sizes.items()))
        self._may_overwrite.append(tuple(self._numbers[buffer] for buffer in over))
        self._scratch.append(held)

    def keep(self, name: str) -> None:
        """Let a buffer live to the end: an output of the network. Keeping it again changes nothing.

        Raises:
            InstanceError: there is no buffer of this name.
        """
        self._check_there(name, "keep")
        self._kept.add(self._numbers[name])

    def build(self) -> Problem:
        """Return the problem of what was added so far; more may be added afterwards.

        Buffers are numbered in the order in which they were added, and keep their names.
        """
        return Problem(
            names=tuple(self._names),
            sizes=tuple(self._sizes.values()),
            inputs=tuple(self._inputs),
            kept=tuple(sorted(self._kept)),
            reads=tuple(self._reads),
            makes=tuple(self._makes),
            may_overwrite=tuple(self._may_overwrite),
            scratch=tuple(self._scratch),
            buffer_names=tuple(self._sizes),
        )

    def _new(self, name: str, size: int) -> int:
        self._sizes[name] = size
        self._numbers[name] = number = len(self._numbers)
        return number

    def _sizes_of(self, makes: Mapping[str, SupportsIndex], title: str) -> dict[str, int]:
        """Return the bytes of the buffers that an operator makes, none of which may be there."""
        if not isinstance(makes, Mapping):
            raise InstanceError(
                f"{title}: makes must map the names of buffers to their bytes, not {shown(makes)}"
            )
        found: dict[str, int] = {}
        for buffer, size in makes.items():
            _check_name(buffer, f"{title}: makes a buffer, and its")
            self._check_new(buffer, f"{title}: makes {buffer!r}")
            found[buffer] = _bytes(size, f"{title}: makes {buffer!r}")
        return found

    def _known(self, names: Iterable[str], what: str) -> Collection[str]:
        """Return buffers, each once, in the order of their first mention."""
        if isinstance(names, str) or not isinstance(names, Iterable):
            raise InstanceError(f"{what} must be a list of names, not {shown(names)}")
        found = list(names)
        for name in found:
            self._check_there(name, what)
        return dict.fromkeys(found).keys()

    def _check_there(self, name: object, what: str) -> None:
        if isinstance(name, str) and name in self._numbers:
            return
        hint = meant(name, self._numbers) if isinstance(name, str) else ""
        raise InstanceError(
            f"{what} {shown(name)}, but no input or operator before makes such a buffer.{hint}"
        )

    def _check_new(self, name: str, title: str) -> None:
        if name not in self._numbers:
            return
        number = self._numbers[name]
        maker = next((op for op, made in enumerate(self._makes) if number in made), None)
        who = "an input" if maker is None else f"made by operator {maker} ({self._names[maker]!r})"
        raise InstanceError(f"{title}: a buffer {name!r} is there already, {who}; choose another name")


def _check_name(name: object, what: str) -> None:
    if not isinstance(name, str):
        raise InstanceError(f"{what} name must be text, not {shown(name)}")


def _bytes(size: object, title: str, most: int | None = LARGEST) -> int:
    try:
        found = -1 if isinstance(size, bool) else index(cast("SupportsIndex", size))
    except TypeError:
        found = -1
    if found < 0 or (most is not None and found >= most):
        raise InstanceError(f"{title}: bytes are whole numbers in 0..2**63-1, not {shown(size)}")
    return found
