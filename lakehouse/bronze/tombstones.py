"""Who was erased is not landed again, whatever file brings them: told by pseudonym, while a file is read.

A row of an erased person is left out and counted (`ops.loads.rows_erased`). A row that stays for the books, such as an
order line, comes without the person. Of a line that cannot be read and names one, the quarantine keeps the reason only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

import pyarrow as pa
import pyarrow.compute as pc

from lakehouse.bronze.records import Block, Fault
from lakehouse.expressions import resolve
from lakehouse.privacy.keyring import open_keyring, status
from lakehouse.privacy.person_keys import BETWEEN, KEY_COLUMNS, OF_ENTITY, Mapped, joined, stays_without_person
from lakehouse.privacy.pseudonyms import Pseudonyms
from lakehouse.privacy.traces import words
from lakehouse.privacy.vault import subject_of
from lakehouse.settings import Settings
from lakehouse.sources import Source

ENTITY_OF = {kind: entity for entity, kind in OF_ENTITY.items()}
Rewrite = Callable[[Block], tuple[Block, int]]
"""A block without the erased, and how many rows were left out."""


@dataclass
class Tombstones:
    """The names of those who were erased in a home."""

    pseudonyms: Pseudonyms
    erased: frozenset[str]

    @classmethod
    def of(cls, settings: Settings) -> Tombstones | None:
        """Those of a home; None where nobody was erased, and then no key is needed."""
        if not status(settings).destroyed:
            return None
        with open_keyring(settings) as keyring:
            return cls(Pseudonyms.of(keyring), frozenset(keyring.all_destroyed()))

    def is_erased(self, kind: str, key: str) -> bool:
        """Whether a key (its parts joined) is an erased person's; cookies and accounts have no tombstones."""
        entity = ENTITY_OF.get(kind)
        return entity is not None and subject_of(self.pseudonyms, entity, *key.split(BETWEEN)) in self.erased

    def rewriting(self, source: Source, entity: str, stored: Mapping[str, str]) -> Rewrite:
        """What takes the erased out of the blocks of a file.

        Args:
            stored: raw name -> stored column, of the file.
        """
        mapped = mapped_as(source, entity, stored)
        kinds = [kind for kind in mapped.kinds() if kind in ENTITY_OF and mapped.is_plain(kind)]
        emptied = mapped.emptied() if stays_without_person(mapped.entity) else None
        known: dict[tuple[str, str], bool] = {}

        def is_erased(kind: str, key: str) -> bool:
            if (kind, key) not in known:
                known[kind, key] = self.is_erased(kind, key)
            return known[kind, key]

        def rewrite(block: Block) -> tuple[Block, int]:
            faults = [self._without_person(fault) for fault in block.faults] if kinds else block.faults
            by_stored = {stored[raw]: raw for raw in block.columns if raw in stored}
            hit = [False] * len(block.row_numbers)
            for kind in kinds:
                names = [by_stored.get(mapped.plain(column) or "") for column in KEY_COLUMNS[kind]]
                if None not in names:
                    values = [block.columns[name].to_pylist() for name in names if name is not None]
                    for place, parts in enumerate(zip(*values)):
                        if None not in parts and is_erased(kind, joined(parts)):
                            hit[place] = True
            if not any(hit):
                return replace(block, faults=faults), 0
            mask = pa.array(hit)
            if emptied is None:
                kept = pc.invert(mask)
                columns = {raw: column.filter(kept) for raw, column in block.columns.items()}
                return Block(block.seen, block.row_numbers.filter(kept), columns, faults), sum(hit)
            lost = set(emptied)
            columns = {
                raw: pc.if_else(mask, pa.scalar(None, pa.string()), column) if stored.get(raw) in lost else column
                for raw, column in block.columns.items()
            }
            return Block(block.seen, block.row_numbers, columns, faults), 0

        return rewrite

    def _without_person(self, fault: Fault) -> Fault:
        if any(self.pseudonyms.pseudonym(word) in self.erased for word in _candidates(fault.raw)):
            return replace(fault, raw="")
        return fault


def mapped_as(source: Source, entity: str, stored: Mapping[str, str]) -> Mapped:
    """How a source's columns of an entity are ours, once the stored names are known."""
    definition = source.entities[entity]
    columns = {ours: resolve(text, stored) for ours, text in definition.columns.items()}
    attributes = {ours: resolve(text, stored) for ours, text in definition.attributes.items()}
    return Mapped(source.name, entity, columns, attributes, frozenset(stored.values()), bool(definition.key))


def _candidates(line: str) -> Iterable[str]:
    """What in a line may be a customer's id: words, and the fields between usual delimiters."""
    fields = {field.strip(" \"'") for mark in ",;|\t" for field in line.split(mark)}
    return words(line) | {field for field in fields if 0 < len(field) < 200}
