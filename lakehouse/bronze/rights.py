"""What persons' rights ask of a file while it is landed, told by pseudonym.

Who was erased is not landed again, whatever file brings them. A row of theirs is left out and counted
(`ops.loads.rows_erased`); a row that stays for the books, such as an order line, comes without the person; of a line
that cannot be read and names one, the quarantine keeps the reason only. And a value that was put right on request stays
right when a source sends the wrong one again; once the source sends another, that counts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import reduce

import pyarrow as pa
import pyarrow.compute as pc

from lakehouse.bronze.records import Block, Fault
from lakehouse.expressions import resolve
from lakehouse.privacy.corrections import CORRECTIONS, corrections
from lakehouse.privacy.keyring import open_keyring, status
from lakehouse.privacy.masks import normalised
from lakehouse.privacy.person_keys import (
    BETWEEN,
    BLANKS,
    KEY_COLUMNS,
    OF_ENTITY,
    Mapped,
    joined,
    name_of,
    stays_without_person,
)
from lakehouse.privacy.pseudonyms import Pseudonyms
from lakehouse.privacy.traces import words
from lakehouse.settings import Settings
from lakehouse.sources import Source
from lakehouse.storage import has_table

ENTITY_OF = {kind: entity for entity, kind in OF_ENTITY.items()}
Rewrite = Callable[[Block], tuple[Block, int]]
"""A block without the erased, and how many rows were left out."""


@dataclass
class Rights:
    """Who was erased in a home, and what was put right: source -> person -> our column -> wrong and right value."""

    pseudonyms: Pseudonyms
    erased: frozenset[str]
    corrected: Mapping[str, Mapping[str, Mapping[str, tuple[str | None, str]]]]

    @classmethod
    def of(cls, settings: Settings) -> Rights | None:
        """Those of a home; None where nobody was erased or corrected, and then no key is needed."""
        if not status(settings).destroyed and not has_table(settings, CORRECTIONS):
            return None
        with open_keyring(settings) as keyring:
            corrected = corrections(settings, keyring)
            return cls(Pseudonyms.of(keyring), frozenset(keyring.all_destroyed()), corrected)

    def is_erased(self, kind: str, key: str) -> bool:
        """Whether a key (its parts joined) is an erased person's."""
        return name_of(self.pseudonyms, kind, key) in self.erased

    def rewriting(self, source: Source, entity: str, stored: Mapping[str, str]) -> Rewrite:
        """What takes the erased out of the blocks of a file, and puts right what was corrected.

        Args:
            stored: raw name -> stored column, of the file.
        """
        mapped = mapped_as(source, entity, stored)
        kinds = [kind for kind in mapped.kinds() if mapped.is_plain(kind)]
        emptied = mapped.emptied() if stays_without_person(mapped.entity) else None
        known: dict[tuple[str, str], bool] = {}

        def is_erased(kind: str, key: str) -> bool:
            if (kind, key) not in known:
                known[kind, key] = self.is_erased(kind, key) or (
                    bool(source.personal_key) and kind == "customer" and self.is_erased(kind, normalised(key))
                )
            return known[kind, key]

        corrected = self.corrected.get(source.name, {}) if OF_ENTITY.get(entity) in kinds else {}

        def rewrite(block: Block) -> tuple[Block, int]:
            by_stored = {stored[raw]: raw for raw in block.columns if raw in stored}
            if corrected:
                block = self._put_right(block, mapped, by_stored, corrected)
            faults = [self._without_person(fault) for fault in block.faults] if kinds else block.faults
            masks = [_told_by(block, mapped, by_stored, kind, is_erased) for kind in kinds]
            found = [mask for mask in masks if mask is not None]
            if not found:
                return replace(block, faults=faults), 0
            mask = reduce(pc.or_, found)
            if emptied is None:
                kept = pc.invert(mask)
                columns = {raw: column.filter(kept) for raw, column in block.columns.items()}
                return Block(block.seen, block.row_numbers.filter(kept), columns, faults), int(pc.sum(mask).as_py())
            lost = set(emptied)
            columns = {
                raw: pc.if_else(mask, pa.scalar(None, pa.string()), column) if stored.get(raw) in lost else column
                for raw, column in block.columns.items()
            }
            return Block(block.seen, block.row_numbers, columns, faults), 0

        return rewrite

    def _put_right(
        self,
        block: Block,
        mapped: Mapped,
        by_stored: Mapping[str, str],
        corrected: Mapping[str, Mapping[str, tuple[str | None, str]]],
    ) -> Block:
        kind = OF_ENTITY[mapped.entity]
        parts = [by_stored.get(mapped.plain(column) or "") for column in KEY_COLUMNS[kind]]
        if None in parts:
            return block
        keys = zip(*(block.columns[part].to_pylist() for part in parts if part is not None))
        names = [name_of(self.pseudonyms, kind, joined(key)) if all(key) else None for key in keys]
        columns = dict(block.columns)
        for place, name in enumerate(names):
            for ours, (wrong, right) in corrected.get(name or "", {}).items():
                raw = by_stored.get(mapped.plain(ours) or "")
                if raw is not None and ((columns[raw][place].as_py() or "").strip(BLANKS) or None) == wrong:
                    values = columns[raw].to_pylist()
                    values[place] = right
                    columns[raw] = pa.array(values, pa.string())
        return replace(block, columns=columns)

    def _without_person(self, fault: Fault) -> Fault:
        if any(self.pseudonyms.pseudonym(word) in self.erased for word in _candidates(fault.raw)):
            return replace(fault, raw="")
        return fault


def _told_by(
    block: Block, mapped: Mapped, by_stored: Mapping[str, str], kind: str, is_erased: Callable[[str, str], bool]
) -> pa.Array | None:
    """Which rows an erased person's key of this kind is in; None for none. A cookie of theirs that a row says somebody
    else has is that one's by now."""
    names = [by_stored.get(mapped.plain(column) or "") for column in KEY_COLUMNS[kind]]
    parts = [pc.utf8_trim(block.columns[name], characters=BLANKS) for name in names if name is not None]
    if len(parts) < len(names):
        return None
    key = parts[0] if len(parts) == 1 else pc.binary_join_element_wise(*parts, BETWEEN)
    erased = [one for one in pc.unique(key).to_pylist() if one and is_erased(kind, one)]
    if not erased:
        return None
    mask = pc.fill_null(pc.is_in(key, pa.array(erased, pa.string())), False)
    owner = by_stored.get(mapped.plain("customer_id") or "")
    if kind == "visitor" and owner is not None:
        owned = pc.utf8_trim(pc.fill_null(block.columns[owner], ""), characters=BLANKS)
        mask = pc.and_(mask, pc.equal(owned, ""))
    return mask


def mapped_as(source: Source, entity: str, stored: Mapping[str, str]) -> Mapped:
    """How a source's columns of an entity are ours, once the stored names are known."""
    definition = source.entities[entity]
    columns = {ours: resolve(text, stored) for ours, text in definition.columns.items()}
    return Mapped(source.name, entity, columns, dict(stored), bool(definition.key))


def _candidates(line: str) -> Iterable[str]:
    """What in a line may be a customer's id: words, and the fields between usual delimiters."""
    fields = {field.strip(" \"'") for mark in ",;|\t" for field in line.split(mark)}
    return words(line) | {field for field in fields if 0 < len(field) < 200}
