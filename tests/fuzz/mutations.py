"""What is done to a file: each mutation says which of its records it has left as they were."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from tests.fuzz.wellformed import FORMULAS, TextFile

NASTY = (
    *(b"\0", b"\0\0\0\0", b'"', b"'", b'""', b'"""', b"\r", b"\n", b"\r\n", b"\n\r", b"\xef\xbb\xbf", b"\xff", b"\xc3"),
    *(b"\xff\xfe", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\x1a", b"\x85", b"\x0b", b"\x0c", b"\x1b[2J", b",", b";"),
    *(b"\t", b"|", b"\\", b"\\N", b"NULL", b"#", b"{", b"}", b"[", b"]", b"\xe2\x80\xa8", b"x" * 5000, b"--", b"$(id)"),
    *(text.encode() for text in FORMULAS),
)


@dataclass
class Mutated:
    """The bytes, and the indexes of the well-formed file's records that still stand in them unchanged.

    `untouched` is None where the mutation says nothing about single records. `may_merge` tells that a quote was put
    in or taken away, so that a neighbour of several lines may be read as another record.
    """

    content: bytes
    untouched: set[int] | None
    may_merge: bool = False


Mutation = Callable[[Random, TextFile], Mutated]


def intact(random: Random, file: TextFile) -> Mutated:
    return Mutated(file.content, set(range(len(file.records))))


def bit_flips(random: Random, file: TextFile) -> Mutated:
    content = bytearray(file.content)
    places = [random.randrange(len(content)) for _ in range(random.choice([1, 1, 2, 8, 40]))]
    before = bytes(content)
    for place in places:
        content[place] ^= 1 << random.randrange(8)
    structural = any(before[p] in b"\"'\r\n" or content[p] in b"\"'\r\n" for p in places)
    return Mutated(bytes(content), _left(file, places), structural)


def cut(random: Random, file: TextFile) -> Mutated:
    content = file.content
    at = random.randrange(1, len(content) + 1)
    kept = {i for i, (_, end) in enumerate(_spans(file)) if end <= at}
    return Mutated(content[:at], kept if at > len(file.head) else None, True)


def cut_out(random: Random, file: TextFile) -> Mutated:
    content = file.content
    start = random.randrange(len(content))
    end = min(len(content), start + random.choice([1, 1, 2, 7, 100]))
    places = list(range(max(0, start - 1), end))
    return Mutated(content[:start] + content[end:], _left(file, places), True)


def put_in(random: Random, file: TextFile) -> Mutated:
    content, places, structural = file.content, [], False
    for _ in range(random.choice([1, 1, 3, 10])):
        at, what = random.randrange(len(content) + 1), random.choice(NASTY)
        places.append((at, what))
        structural |= any(byte in b"\"'\r\n" for byte in what)
    out, position = [], 0
    for at, what in sorted(places):
        out += [content[position:at], what]
        position = at
    touched = [place for at, _ in places for place in (at - 1, at) if place >= 0]
    return Mutated(b"".join([*out, content[position:]]), _left(file, touched), structural)


def formula(random: Random, file: TextFile) -> Mutated:
    """Formulas at the beginning of lines and of fields: they are text like any other."""
    records = list(file.records)
    chosen = set(random.sample(range(len(records)), min(len(records), 5)))
    for i in chosen:
        records[i] = random.choice(FORMULAS).encode() + records[i]
    return Mutated(file.head + b"".join(records), set(range(len(records))) - chosen, True)


def shuffled(random: Random, file: TextFile) -> Mutated:
    """Records in another order, some of them twice, some gone."""
    whole = _ended(file)
    order = random.choices(range(len(whole)), k=len(whole) + random.randint(0, 9))
    return Mutated(file.head + b"".join(whole[i] for i in order), set(order))


def joined(random: Random, file: TextFile) -> Mutated:
    """Two exports in one file, header and byte-order mark of the second in the middle."""
    left = set(range(len(file.records) - 1)) if not file.records[-1].endswith(b"\n") else set(range(len(file.records)))
    return Mutated(file.content + file.content, left, not file.is_wide)


def line_ends(random: Random, file: TextFile) -> Mutated:
    """LF, CRLF, CR and blank lines in one file."""
    ends = [b"\n", b"\r\n", b"\r", b"\n\n", b"\r\r\n", b"\n\r\n", b" \n"]
    parts = [record.rstrip(b"\r\n") + random.choice(ends) for record in file.records]
    return Mutated(file.head + b"".join(parts), None)


def quote_storm(random: Random, file: TextFile) -> Mutated:
    """Lines of quotes in every position, among the file's own."""
    parts = [b'"', b"'", b",", b";", b"a", b"1", b'""', b"\n", b"\r\n", b'\n"', b'","', b'"\n']
    storm = b"".join(random.choice(parts) for _ in range(random.choice([20, 300, 5000]))) + b"\n"
    at = random.randrange(len(file.records) + 1)
    whole = _ended(file)
    return Mutated(file.head + b"".join(whole[:at]) + storm + b"".join(whole[at:]), set(range(at)), True)


def mixed_encodings(random: Random, file: TextFile) -> Mutated:
    """Some records in another encoding than the rest."""
    chosen, records = set(), list(file.records)
    for i in range(len(records)):
        if random.random() < 0.3:
            chosen |= {i, i + 1}  # an odd number of bytes spills over
            records[i] = (
                file.records[i]
                .decode(_plain(file), "replace")
                .encode(random.choice(["utf-8", "gb18030", "utf-16-le", "latin-1"]), "replace")
            )
    return Mutated(file.head + b"".join(records), set(range(len(records))) - chosen, True)


def long_line(random: Random, file: TextFile) -> Mutated:
    """A line of ten megabytes among the others."""
    at = random.randrange(len(file.records))
    whole = _ended(file)
    filler = random.choice([b"x", b"\0", b",", b'"', b'"",', b"[", b"\xff", b"\xe8\x8c\xb6", b'{"a":', b" "])
    whole[at] = (filler * (10_000_000 // len(filler) + 1))[:10_000_000] + whole[at]
    return Mutated(file.head + b"".join(whole), set(range(len(whole))) - {at}, True)


def header(random: Random, file: TextFile) -> Mutated:
    """Names that are empty, twice there, long, strange, or thousands."""
    names = [
        random.choice(["id", "ID", "", " ", "a b", "a.b", "`x`", "=1+1", "_file", "茶", "x" * 9000, "a;b", "\0", "{}"])
    ]
    for _ in range(random.choice([1, 5, 300, 3000])):
        names.append(
            random.choice([*names[:5], "", "id", "Id", "n", f"c{len(names)}", f"c{len(names)}", "e\u0301", "é"])
        )
    lines = [",".join(names), *(",".join(str(i) for i in range(len(names))) for _ in range(3))]
    file.options.update({"delimiter": ",", "encoding": "utf-8", "header": "true"})
    return Mutated(("\n".join(lines) + "\n").encode(), None)


def deep(random: Random, file: TextFile) -> Mutated:
    """JSON nested far deeper than any parser's stack."""
    whole, depth = _ended(file), random.choice([50, 300, 900, 3000, 100_000, 1_000_000])
    left, right = random.choice([("[", "]"), ('{"k":', "}"), ("[{", "")])
    text = random.choice(['{"id":%s1%s}\n', '{"z":"\\u0000","id":%s1%s}\n', '{"z":"\\ud83d\\ude00","id":%s1%s}\n'])
    at = random.randrange(len(whole) + 1)
    lines = [*whole[:at], (text % (left * depth, right * depth)).encode(), *whole[at:]]
    return Mutated(b"".join(lines), set(range(len(whole))))


def odd_json(random: Random, file: TextFile) -> Mutated:
    """Lines that parsers disagree about."""
    odd = [
        *(
            '{"id":1,"id":2}',
            '{"id":1,"ID":2}',
            '{"id":NaN}',
            '{"id":-Infinity}',
            '{"id":01}',
            '{"id":1.}',
            '{"id":.5}',
        ),
        *(
            '{"id":"\\ud800"}',
            '{"id":"\\u0000"}',
            '{"id":"a\tb"}',
            '{"a":1}{"a":2}',
            '{"a":1},{"a":2}',
            "[1,2]",
            "1",
            "{}",
        ),
        *('"text"', "null", "{'id':1}", '{"id":1,}', "{id:1}", '{"id":1e999}', '{"id":1e-999}', '{"id":-0}', '{"":1}'),
        *('{"id":' + "9" * 5000 + "}", '{"id":' + "9" * 400 + ".5}", '{"id":0.10000000000000000000001}', '{"id":-0.0}'),
        *(
            '{"_file":1,"_source":2}',
            '{"a b":1,"a_b":2}',
            '{"id":true,"a":false}',
            ' {"id":1} ',
            '\t{"id":1}\t',
            '\x1e{"id":1}',
        ),
        *(
            '{"id":"2024-01-02T03:04:05Z"}',
            '{"id":"1/2/2024"}',
            '{"id":{"b":1,"b":2}}',
            '{"id":[]}',
            "{",
            "}",
            '{"id":"',
        ),
        *(
            json.dumps({f"k{i}": i for i in range(random.choice([3, 800]))}),
            '{"id":1}\r',
            '{"id":"\u2028"}',
            '{"id":1 /*c*/}',
        ),
    ]
    whole = _ended(file)
    lines = [*whole, *((random.choice(odd) + "\n").encode() for _ in range(random.randint(1, 40)))]
    untouched = set(range(len(whole)))
    random.shuffle(lines)
    return Mutated(b"".join(lines), untouched)


ANY_TEXT: list[tuple[int, Mutation]] = [
    *((4, intact), (6, bit_flips), (5, cut), (4, cut_out), (8, put_in), (2, shuffled), (3, joined), (3, line_ends)),
    *((3, mixed_encodings), (3, quote_storm), (3, formula)),
]
CSV_ONLY: list[tuple[int, Mutation]] = [(4, header)]
JSON_ONLY: list[tuple[int, Mutation]] = [(4, deep), (8, odd_json)]


def pick(random: Random, weighted: list[tuple[int, Mutation]]) -> Mutation:
    """One mutation, by weight."""
    return random.choices([m for _, m in weighted], [w for w, _ in weighted])[0]


def _spans(file: TextFile) -> list[tuple[int, int]]:
    spans, position = [], len(file.head)
    for record in file.records:
        spans.append((position, position + len(record)))
        position += len(record)
    return spans


def _left(file: TextFile, places: list[int]) -> set[int] | None:
    """The records in which none of these bytes lies; None where the header was hit or bytes are not local."""
    if min(places) < len(file.head) or file.is_wide:
        return None
    return {i for i, (start, end) in enumerate(_spans(file)) if not any(start - 1 <= place < end for place in places)}


def _ended(file: TextFile) -> list[bytes]:
    """The records, the last one with its line end too."""
    records = list(file.records)
    if file.is_wide:
        return records
    if not records[-1].endswith(b"\n"):
        records[-1] += b"\n"
    return records


def _plain(file: TextFile) -> str:
    return {"utf-16": "utf-16-le", "utf-32": "utf-32-le", "utf-8-sig": "utf-8"}.get(file.encoding, file.encoding)
