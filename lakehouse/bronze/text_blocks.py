"""Text files as blocks of whole lines in UTF-8, whatever their encoding; undecodable lines are marked."""

from __future__ import annotations

import codecs
from bisect import bisect_left
from collections.abc import Iterator
from pathlib import Path
from typing import IO, NamedTuple

import numpy as np

from lakehouse.bronze.streams import open_stream, told_plainly
from lakehouse.errors import InputError

BLOCK_BYTES = 16 << 20
"""Measured on 5 M events: larger blocks gain nothing and cost memory in proportion."""
LONGEST_LINE_BYTES = 32 << 20
"""A line of JSON becomes up to fifty times its size while it is read."""
_WINDOW_BYTES = 64 << 10
_BOM = "\ufeff".encode()
_MARKS = {
    "utf-16": (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE),
    "utf-32": (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE),
}
"""The encodings whose byte order is told by a mark at the start."""


def _mark(error: UnicodeError) -> tuple[str | bytes, int]:
    """In the place of bytes that are no character of a wide encoding, surrogates."""
    try:
        return codecs.lookup_error("surrogatepass")(error)
    except UnicodeDecodeError as fault:
        return "".join(chr(0xDC00 + byte) for byte in fault.object[fault.start : fault.end]), fault.end


_MARKED = "lakehouse_marked"
codecs.register_error(_MARKED, _mark)


class TextBlock(NamedTuple):
    """Whole lines in UTF-8.

    `undecodable` are the offsets in `data` of the lines that are not text in the stated encoding; there the
    offending bytes stand as backslash escapes.
    """

    data: bytes
    undecodable: list[int]
    is_last: bool


def encoding_of(head: bytes, stated: str | None) -> str:
    """The name of the codec: as stated, else UTF-16 by its mark, else UTF-8."""
    if stated is None:
        return "utf-16" if head.startswith(_MARKS["utf-16"]) else "utf-8"
    name = codecs.lookup(stated).name
    return "utf-8" if name == "utf-8-sig" else name


def text_blocks(
    path: Path, compression: str, encoding: str | None, block_bytes: int = BLOCK_BYTES
) -> Iterator[TextBlock]:
    """The file's lines; every block but the last ends with a newline, and only the last says so.

    Raises:
        InputError: the file cannot be read to its end, or holds a line longer than 32 MiB.
    """
    with told_plainly(path), open_stream(path, compression) as stream:
        head = stream.read(block_bytes)
        codec = encoding_of(head, encoding)
        if head and codec in _MARKS and not head.startswith(_MARKS[codec]):
            raise InputError(
                f"{path} is not {codec} text: it has no byte order mark; state {codec}-le or {codec}-be if it is such"
            )
        sample = head[:_WINDOW_BYTES]
        old_mac = b"\r" in sample and b"\n" not in sample and "\n".encode(codec) == b"\n"
        pending: list[bytes] = []
        for chunk in _ascii_like(head, stream, codec, block_bytes):
            text = chunk.replace(b"\r", b"\n") if old_mac else chunk
            cut = text.rfind(b"\n") + 1
            if cut == 0:
                pending.append(text)
                if sum(map(len, pending)) > LONGEST_LINE_BYTES:
                    raise InputError(f"{path} has a line longer than 32 MiB; is it text in lines?")
                continue
            pending.append(text[:cut])
            yield _decoded(b"".join(pending), codec, is_last=False)
            pending = [text[cut:]]
        yield _decoded(b"".join(pending), codec, is_last=True)


def cut_into_parts(text: TextBlock, most_lines: int) -> Iterator[TextBlock]:
    """The block in parts of at most so many lines: what is kept for a line must not add up over millions of them."""
    data, count = text.data, text.data.count(b"\n")
    if count <= most_lines:
        yield text
        return
    ends = np.flatnonzero(np.frombuffer(data, np.uint8) == 10)[most_lines - 1 :: most_lines] + 1
    cuts = [0, *ends.tolist()]
    if cuts[-1] < len(data):
        cuts.append(len(data))
    for start, end in zip(cuts, cuts[1:]):
        inside = text.undecodable[bisect_left(text.undecodable, start) : bisect_left(text.undecodable, end)]
        yield TextBlock(data[start:end], [offset - start for offset in inside], text.is_last and end == len(data))


def _ascii_like(head: bytes, stream: IO[bytes], codec: str, block_bytes: int) -> Iterator[bytes]:
    """Chunks in which a newline is the byte 10: as they are, or (UTF-16 and the like) brought to UTF-8.

    Units that are no characters become surrogates, which UTF-8 does not allow: their lines are marked later.
    """
    chunks = _chunks(head, stream, block_bytes)
    if codec == "utf-8" or "\n".encode(codec) == b"\n":
        first = next(chunks, b"")
        yield first[len(_BOM) :] if codec == "utf-8" and first.startswith(_BOM) else first
        yield from chunks
        return
    decoder = codecs.getincrementaldecoder(codec)(_MARKED)
    is_first = True
    for chunk in chunks:
        text = decoder.decode(chunk).encode("utf-8", "surrogatepass")
        yield text[len(_BOM) :] if is_first and text.startswith(_BOM) else text
        is_first = False
    try:
        yield decoder.decode(b"", True).encode("utf-8", "surrogatepass")
    except UnicodeDecodeError as error:
        yield error.object if isinstance(error.object, bytes) and not error.object.isascii() else b"\xff"


def _chunks(head: bytes, stream: IO[bytes], block_bytes: int) -> Iterator[bytes]:
    chunk = head
    while chunk:
        yield chunk
        chunk = stream.read(block_bytes)


def _decoded(data: bytes, codec: str, is_last: bool) -> TextBlock:
    codec = codec if "\n".encode(codec) == b"\n" else "utf-8"
    try:
        text = data.decode(codec)
        return TextBlock(data if codec == "utf-8" else text.encode(), [], is_last)
    except UnicodeDecodeError:
        pass
    pieces: list[bytes] = []
    undecodable: list[int] = []
    written = position = 0
    while position < len(data):
        end = data.find(b"\n", position + _WINDOW_BYTES) + 1 or len(data)
        for piece, is_text in _window(data[position:end], codec):
            if not is_text:
                undecodable.append(written)
            pieces.append(piece)
            written += len(piece)
        position = end
    return TextBlock(b"".join(pieces), undecodable, is_last)


def _window(data: bytes, codec: str) -> Iterator[tuple[bytes, bool]]:
    """The lines in UTF-8: runs of decodable ones together, each undecodable one for itself."""
    position = 0
    while position < len(data):
        try:
            yield data[position:].decode(codec).encode(), True
            return
        except UnicodeDecodeError as error:
            fault = position + error.start
        start = data.rfind(b"\n", position, fault) + 1 or position
        end = data.find(b"\n", fault) + 1 or len(data)
        if start > position:
            yield data[position:start].decode(codec).encode(), True
        # Without its newline, which a character cut short (of GB 18030, say) would take with it.
        line = data[start:end].removesuffix(b"\n")
        yield line.decode(codec, "backslashreplace").encode() + data[start + len(line) : end], False
        position = end
