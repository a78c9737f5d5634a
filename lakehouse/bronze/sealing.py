"""The protection of one file's rows while it is landed: identifiers into the vault, masks in their place."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from lakehouse.bronze import protection as plans
from lakehouse.bronze import tables
from lakehouse.bronze.protection import Protection, Shown, named_by
from lakehouse.bronze.records import Fault
from lakehouse.engine import worked_out
from lakehouse.entities import ENTITIES
from lakehouse.errors import InputError, LakehouseError
from lakehouse.expressions import quoted
from lakehouse.privacy import masks, vault
from lakehouse.privacy.free_text import without_identifiers
from lakehouse.privacy.guess import looks_personal
from lakehouse.privacy.keyring import Keyring, open_keyring
from lakehouse.privacy.person_keys import plain_name
from lakehouse.privacy.pseudonyms import Pseudonyms
from lakehouse.settings import Settings

_NONE = pa.scalar(None, pa.string())
_ROWS_WORKED_OUT = 1 << 16
_ROWS_LOOKED_AT, _KEYS_LOOKED_AT = 1000, 50
"""Of a file's first block; more would cost a third of landing a small file, for libphonenumber takes 50 µs a number."""
_MASKS: dict[str, Callable[[pa.Array], pa.Array]] = {
    name: getattr(masks, name)
    for name in ("masked_name", "given_name", "masked_phone", "masked_email", "district_of", "year_of", "cell_of")
}


class Keys:
    """The keys of the home while files are landed: opened, or made, by the first that is needed."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._keyring: Keyring | None = None
        self._pseudonyms: Pseudonyms | None = None

    def __enter__(self) -> Keys:
        return self

    def __exit__(self, kind: type[BaseException] | None, fault: BaseException | None, at: TracebackType | None) -> None:
        if self._keyring is not None:
            self._keyring.__exit__(kind, fault, at)
            self._keyring = self._pseudonyms = None

    @property
    def keyring(self) -> Keyring:
        """Raises InputError where the master key is lost, wrong, or to be put in place by a person."""
        if self._keyring is None:
            self._keyring = open_keyring(self._settings, make=True)
        return self._keyring

    @property
    def pseudonyms(self) -> Pseudonyms:
        """Those of the house."""
        if self._pseudonyms is None:
            self._pseudonyms = Pseudonyms.of(self.keyring)
        return self._pseudonyms


@dataclass
class Kept:
    """What a file brought: rows of identifiers for the vault, and rows of erased persons, of whom nothing is kept."""

    rows: int = 0
    erased: int = 0


class Sealing:
    """One file. Use it as a context: leaving it by an exception leaves nothing in the vault.

    `commit` comes before that of bronze, so that a kill between the two loses nothing; the journal has the batch, and
    the next landing takes back what is in the vault with what is in bronze.
    """

    def __init__(
        self,
        settings: Settings,
        keys: Keys,
        plan: Protection,
        origin: vault.Origin,
        elsewhere: Callable[[pa.RecordBatch], None] | None = None,
        also: Collection[str] = (),
    ) -> None:
        """Nothing is written yet.

        Args:
            elsewhere: takes the rows for the vault, which are then not written here.
            also: stored columns of which the vault gets every value as it came: they were hidden by another plan, and
                must be found again under either.
        """
        self._settings, self._keys, self.plan, self._origin = settings, keys, plan, origin
        self._elsewhere, self._also = elsewhere, frozenset(also)
        self._append: tables.Append | None = None
        self._to_look_at = dict.fromkeys(plan.looked_at)
        self._lines: vault.Lines | None = None
        self.kept = Kept()

    def __enter__(self) -> Sealing:
        return self

    def __exit__(self, kind: type[BaseException] | None, fault: BaseException | None, at: TracebackType | None) -> None:
        if self._append is not None:
            self._append.__exit__(kind, fault, at)

    @property
    def columns(self) -> list[str]:
        """The columns that bronze gets beside the raw ones."""
        return [one.column for one in self.plan.shown]

    def rows(self, rows: pa.RecordBatch) -> pa.RecordBatch:
        """Rows under their stored names as bronze keeps them; what they had of identifiers waits for `commit`."""
        plan = self.plan
        columns = dict(zip(rows.schema.names, rows.columns))
        self._refuse_personal_keys(columns)
        if plan.hidden or plan.shown:
            found = self._worked_out(rows, columns)
            erased = self._seal(rows, columns, found) if plan.values or plan.personal else None
            made = {one.column: self._made(one, found[one.column], erased) for one in plan.shown}
            for name in plan.hidden:
                if name in columns:
                    columns[name] = _hidden(columns[name])
            columns |= made
        for name in plan.searched:
            if name in columns:
                columns[name] = without_identifiers(columns[name])
        return pa.RecordBatch.from_pydict(columns)

    def faults(self, faults: list[Fault]) -> list[Fault]:
        """Lines that could not be read, sealed whole where they may say who somebody is."""
        if not faults or not self.plan.is_about_people:
            return faults
        if self._lines is None:
            self._lines = vault.Lines(self._keys.keyring, self._origin.batch_id)
        return [replace(fault, raw=self._lines.sealed(fault.raw)) if fault.raw else fault for fault in faults]

    def commit(self) -> None:
        """Have in the vault what the rows had."""
        if self._append is not None:
            self._append.commit()

    def _refuse_personal_keys(self, columns: Mapping[str, pa.Array]) -> None:
        """Raises InputError where a key seems to be a phone number, e-mail address or identity card and nobody said."""
        for ours, name in list(self._to_look_at):
            if name not in columns:
                continue
            some = columns[name].slice(0, _ROWS_LOOKED_AT).drop_null().unique()
            if len(some):
                del self._to_look_at[ours, name]
                found = looks_personal(some.slice(0, _KEYS_LOOKED_AT).to_pylist())
                if found is not None:
                    raise InputError(
                        f"source {self._origin.source}, {self.plan.entity}: `{ours}` looks like {found} (column "
                        f"`{name}`), and a key stands in every table: write `personal_key: true` in the source file, "
                        "and pseudonyms stand in its place, or `personal_key: false` where it is no such thing"
                    )

    def _keep(self, rows: pa.RecordBatch) -> None:
        """Take rows in for the vault."""
        if self._elsewhere is not None:
            self._elsewhere(rows)
            return
        if self._append is None:
            vault.make(self._settings)
            self._append = tables.Append(self._settings, "vault.identifiers", vault.IDENTIFIERS, {}, vault.INDEXED)
        self._append.add(rows)

    def _worked_out(self, rows: pa.RecordBatch, columns: Mapping[str, pa.Array]) -> dict[str, pa.Array]:
        """What is hidden or shown, by our name or the column's: a raw column, or an expression by the engine."""
        plan, count = self.plan, rows.num_rows
        nothing = pa.nulls(count, pa.string())
        wanted = {**plan.key, **plan.values, **plan.personal, **{one.column: one.of for one in plan.shown}}
        found = {
            ours: columns.get(name, nothing) for ours, text in wanted.items() if (name := plain_name(text)) is not None
        }
        expressions = plan.expressions
        if not expressions:
            return found
        stored = [name for name in rows.schema.names if not plans.is_shown(name)]
        by_text = dict.fromkeys(expressions.values())
        needed = sorted({name for text in by_text for name in named_by(text, self._stored(stored))})
        given = {name: columns.get(name, nothing) for name in needed if name != "_source"}
        if "_source" in needed:
            given["_source"] = pa.repeat(self._origin.source, count)
        if not given:  # an expression of nothing, such as a literal
            given["_row_number"] = columns["_row_number"]
        kinds = {ours: about.type for ours, about in ENTITIES[plan.entity].columns.items()}
        kinds |= {plans.SHOWN + ours: kind for ours, kind in kinds.items()}
        parts: dict[str, list[pa.Array]] = {name: [] for name in expressions}
        table = pa.table(given)
        try:
            for start in range(0, count, _ROWS_WORKED_OUT):
                answer = worked_out(self._settings, table.slice(start, _ROWS_WORKED_OUT), expressions, kinds)
                for name, column in answer.items():
                    parts[name].append(column)
        except LakehouseError:
            said = self._why_not(table, expressions, kinds)
            told = "; ".join(f"{name.removeprefix(plans.SHOWN)}: `{text}`" for name, text in expressions.items())
            raise InputError(f"source {self._origin.source}, {plan.entity}: {told}: {said}") from None
        return found | {name: pa.concat_arrays(arrays) if arrays else nothing for name, arrays in parts.items()}

    def _why_not(self, table: pa.Table, expressions: Mapping[str, str], kinds: Mapping[str, str]) -> str:
        """What the engine says of the expressions without any row: what it says of a value may say who somebody is."""
        try:
            worked_out(self._settings, table.slice(0, 0), expressions, kinds)
        except LakehouseError as error:
            return str(error).splitlines()[0][:300]
        return "it stops at a value, which is not repeated here; `try_cast` and `try_to_date` give null instead"

    def _stored(self, present: Sequence[str]) -> list[str]:
        """All stored columns that the plan knows, for a block need not have each of them."""
        return list(dict.fromkeys([*present, *self.plan.hidden, *self.plan.searched, *self.plan.left]))

    def _made(self, one: Shown, column: pa.Array, erased: pa.Array | None) -> pa.Array:
        """The column that is shown; of erased persons no mask."""
        if one.how == plans.PSEUDONYM:
            return self._names_of(column)
        if one.how in (plans.TEXT, plans.SEARCHED):
            return without_identifiers(column) if one.how == plans.SEARCHED else column
        if one.how == plans.EMPTY:
            return pa.nulls(len(column), pa.string())
        if one.how == "phone_pseudonym":
            made = self._all_of(masks.e164(column))
        elif one.how == "email_pseudonym":
            made = self._all_of(masks.email(column))
        else:
            made = masks.hidden(column) if one.how == plans.HIDDEN else _MASKS[one.how](column)
        return made if erased is None else pc.if_else(erased, _NONE, made)

    def _all_of(self, values: pa.Array) -> pa.Array:
        if values.null_count == len(values):
            return values
        return pa.array(self._keys.pseudonyms.all_of(values.to_pylist()), pa.string())

    def _names_of(self, keys: pa.Array) -> pa.Array:
        """Pseudonyms of keys that are identifiers: of a phone or e-mail address the same however it is written."""
        return self._all_of(masks.normalised_key(keys))

    def _seal(
        self, rows: pa.RecordBatch, columns: Mapping[str, pa.Array], found: Mapping[str, pa.Array]
    ) -> pa.Array | None:
        """Keep what the rows say of people; returns which rows are of erased persons, None for none of them."""
        plan, names, count = self.plan, self._keys.pseudonyms, rows.num_rows
        texts = {ours: masks.tidy(found[ours]).to_pylist() for ours in (*plan.key, *plan.values, *plan.personal)}
        as_stored = {
            ours: self._names_of(found[ours]).to_pylist() if ours in plan.personal else texts[ours]
            for ours in (*plan.key, *plan.personal)
        }
        raws = self._kept_raw(columns)
        told: list[tuple[int, str, Mapping[str, Any]]] = []
        nobody = vault.subject_of_batch(self._origin.batch_id)
        is_of_persons, met = bool(plan.values), set[str]()
        for place in range(count):
            held: dict[str, Any] = {ours: texts[ours][place] for ours in plan.values if texts[ours][place] is not None}
            raw = {name: values[place] for name, values in raws.items() if values[place] is not None}
            if not is_of_persons:  # a deed of a customer whose key is an identifier: once for each of them
                subject = as_stored["customer_id"][place] if "customer_id" in as_stored else None
                if subject is None or (subject in met and not self._also):
                    continue
                met.add(subject)
            elif not held and not raw and not plan.personal:
                continue
            else:
                parts = [as_stored[ours][place] for ours in plan.key]
                subject = nobody if None in parts else self._subject(names, parts)
            named = (*plan.key, *plan.personal) if is_of_persons else plan.personal
            held |= {ours: texts[ours][place] for ours in named if texts[ours][place] is not None}
            told.append((place, subject, {**held, vault.AS_IT_CAME: raw} if raw else held))
        if not told:
            return None
        sealed = vault.sealed(self._keys.keyring, self._origin, rows.column("_row_number"), told)
        self._keep(sealed.rows)
        self.kept.rows += sealed.rows.num_rows
        self.kept.erased += len(sealed.erased)
        if not sealed.erased or not is_of_persons:
            return None
        flags = [False] * count
        for place in sealed.erased:
            flags[place] = True
        return pa.array(flags)

    def _subject(self, names: Pseudonyms, parts: Sequence[str]) -> str:
        """Whose a row is, by its key as bronze has it; a customer's pseudonym is the name already."""
        if self.plan.entity == "customers" and "customer_id" in self.plan.personal:
            return parts[0]
        return vault.subject_of(names, self.plan.entity, *parts)

    def _kept_raw(self, columns: Mapping[str, pa.Array]) -> dict[str, list[str | None]]:
        """Hidden raw values that none of our columns has as they came, by stored name."""
        plan = self.plan
        ours = {*plan.values.values(), *plan.personal.values()}
        kept: dict[str, list[str | None]] = {}
        for name in sorted({*plan.hidden, *self._also}):
            column = columns.get(name)
            if column is None or column.null_count == len(column):
                continue
            tidied = masks.tidy(column)
            if quoted(name) in ours and name not in self._also:
                tidied = pc.if_else(pc.equal(tidied, column), _NONE, tidied)
            if tidied.null_count < len(tidied):
                kept[name] = pc.if_else(pc.is_valid(tidied), column, _NONE).to_pylist()
        return kept


def _hidden(column: pa.Array) -> pa.Array:
    """`***` for every value; blanks stay what they are."""
    return pc.if_else(pc.is_valid(masks.tidy(column)), masks.HIDDEN, column)
