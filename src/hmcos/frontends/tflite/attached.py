"""Files behind the flatbuffer: labels and vocabularies, which metadata tools append as a zip archive."""

from __future__ import annotations

from struct import pack_into, unpack_from

_END, _END_LENGTH = b"PK\x05\x06", 22
"""Signature of the record that ends an archive."""
_ENTRY, _ENTRY_LENGTH = b"PK\x01\x02", 46
"""Of a file in the archive's directory; name, extra field and comment follow."""
_FILE = b"PK\x03\x04"
"""Signature at the start of a file's data."""
_LONGEST_COMMENT = 2**16 - 1


def attached(content: bytes) -> bytes:
    """Return the archive at the end of a file, empty if there is none.

    The places in it are relative to its own start, not to that of the file, so that two can be compared.
    """
    directory = _Directory.of(content)
    return b"" if directory is None else directory.moved(0)


def attach(content: bytes, archive: bytes) -> bytes:
    """Return a file with an archive, as `attached` returns it, at its end; places count from its start."""
    directory = _Directory.of(archive)
    return content if directory is None else content + directory.moved(len(content))


class _Directory:
    """The directory of an archive at the end of a file: the places of its files."""

    def __init__(self, content: bytes, end: int, entries: list[int], shift: int) -> None:
        self.content, self.end, self.entries, self.shift = content, end, entries, shift
        """`shift` is what has to be added to a place in the directory to find it in the file."""
        self.begin = min(self.place(entry + 42) + shift for entry in entries)

    @staticmethod
    def of(content: bytes) -> _Directory | None:
        """Return the directory of the archive; None if the file does not end with one."""
        end = content.rfind(_END, max(0, len(content) - _END_LENGTH - _LONGEST_COMMENT))
        if end < 0 or len(content) < end + _END_LENGTH:
            return None
        number, length, begin, comment = unpack_from("<HIIH", content, end + 10)
        at, shift, entries = end - length, end - length - begin, list[int]()
        if end + _END_LENGTH + comment != len(content) or at < 0 or not number:
            return None
        for _ in range(number):
            if content[at : at + 4] != _ENTRY or at + _ENTRY_LENGTH > end:
                return None
            place = unpack_from("<I", content, at + 42)[0] + shift
            if place < 0 or content[place : place + 4] != _FILE:
                return None
            entries.append(at)
            at += _ENTRY_LENGTH + sum(unpack_from("<3H", content, at + 28))
        return _Directory(content, end, entries, shift) if at == end else None

    def place(self, at: int) -> int:
        return unpack_from("<I", self.content, at)[0]

    def moved(self, begin: int) -> bytes:
        """Return the archive as it is in a file where it begins at a place."""
        made = bytearray(self.content[self.begin :])
        change = self.shift - self.begin + begin
        for at in [*(entry + 42 for entry in self.entries), self.end + 16]:
            pack_into("<I", made, at - self.begin, self.place(at) + change)
        return bytes(made)
