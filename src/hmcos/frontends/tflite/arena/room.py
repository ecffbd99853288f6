"""An arena while TensorFlow Lite for Microcontrollers (TFLM) fills it from both ends."""

from __future__ import annotations

from dataclasses import dataclass

from hmcos.alignment import round_up
from hmcos.frontends.tflite.arena.sizes import Structure
from hmcos.frontends.tflite.kernels.kernel_set import ALIGNMENT


@dataclass
class Room:
    """How far the arena is filled, in bytes, and the least size in which all of it so far found room.

    The tail grows down from the end, the head up from the start, and behind the head lie structures that are
    needed for a moment; `single_arena_buffer_allocator.cc` has the rules. The start and the size of the arena
    count as multiples of 16.
    """

    tail: int = 0
    head: int = 0
    momentary: int = 0
    """Where the next momentary structure may begin."""
    needed: int = 0
    front: int = 0
    """How far head and momentary structures ever reached: what a non-persistent arena needs alone."""

    def keep(self, size: int, alignment: int = ALIGNMENT) -> None:
        """Put something into the tail, for good.

        TFLM does not notice when this reaches what lies there for a moment, and destroys it.
        """
        self.tail = round_up(self.tail + size, alignment)
        self.needed = max(self.needed, self.momentary + self.tail)

    def keep_structure(self, structure: Structure, many: int = 1) -> None:
        """Put an array of structures into the tail."""
        self.keep(structure.size * many, structure.alignment)

    def reserve(self, size: int) -> None:
        """Make the head as large as this; what was there for a moment is gone."""
        self.head = self.momentary = size
        self.front = max(self.front, self.head)
        self.needed = max(self.needed, self.head + self.tail)

    def take(self, size: int, alignment: int) -> None:
        """Put something behind the head, until the next `reserve`."""
        self.momentary = round_up(self.momentary, alignment) + size
        self.front = max(self.front, self.momentary)
        self.needed = max(self.needed, self.momentary + self.tail)

    def take_rest(self, size: int) -> None:
        """Take at least this much of all that is left in the middle, from and to multiples of 16."""
        middle = round_up(self.momentary, ALIGNMENT) + size
        self.front = max(self.front, middle)
        self.needed = max(self.needed, middle + round_up(self.tail, ALIGNMENT))
