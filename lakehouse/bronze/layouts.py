"""Whether a file's columns are those it should have: what must not be landed under the names that it has.

A file is refused, before anything of it is written, where landing it would fill our columns with nulls or with
another column's values: a mapped column is gone or renamed, the columns of a file without header stand elsewhere, or
the file is one of another entity. What is merely new or unused is landed and told (see drift.py).
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from lakehouse.bronze.drift import FEWEST_EARLIER_VALUES, FEWEST_VALUES, total_variation
from lakehouse.bronze.profiles import BatchProfile, ColumnProfile
from lakehouse.bronze.roles import Roles
from lakehouse.expressions import with_alternative

NOTHING_LANDED = "nothing of the file was landed"
_ALIKE_NAMES = 0.6
_ALIKE_SHAPES = 0.3
_UNLIKE_SHAPES = 0.6
"""Shares of shapes in two batches of one column differ by less than 0.1 in all the sources tried."""
_OTHER_ENTITY = 0.8
_EXPECTED_AT_LEAST = 20.0
"""A key that 20 records should have and none has is gone: by chance that happens in 2 files of 10^9."""


@dataclass(frozen=True)
class Header:
    """What is known of a file before it is read: its raw columns in order; `has_names` unless it has no header."""

    file: str
    entity: str
    names: tuple[str, ...]
    has_names: bool = True
    is_sparse: bool = False

    @property
    def layout(self) -> frozenset[str]:
        """The names in lower case."""
        return frozenset(name.lower() for name in self.names)


def header_fault(
    header: Header,
    earlier: Sequence[BatchProfile],
    roles: Roles,
    texts: Mapping[str, str],
    others: Mapping[str, Collection[str]],
    columns: Callable[[], Mapping[str, ColumnProfile]],
) -> str | None:
    """Why a file must not be landed, by its column names; None if it may be.

    Args:
        earlier: current batches of the same source, entity and path, in the order of landing.
        texts: our column or attribute -> what the source file writes beside it.
        others: other entities of the source -> the raw columns that their columns are made of.
        columns: profiles of the file's columns from its beginning; asked for only where one seems to be renamed.
    """
    fault = _of_another_entity(header, earlier, roles, others)
    if fault or not earlier:
        return fault
    if not header.has_names:
        width = len(earlier[-1].columns)
        if len(header.names) != width:
            return (
                f"{header.file} has no header and {len(header.names)} columns where earlier files have {width}, so "
                f"none can be told by its place; {NOTHING_LANDED}: ask for the usual columns"
            )
        return None
    if header.is_sparse:
        return None
    lost = _lost(header.layout, earlier, roles)
    if not lost:
        return None
    like = _most_alike(header.layout, earlier)
    renamed = _renamed(header, like, lost, earlier, columns)
    return _said_of_lost(header, like, lost, roles, texts, renamed)


def content_fault(
    header: Header,
    columns: Mapping[str, ColumnProfile],
    rows: int,
    earlier: Sequence[BatchProfile],
    roles: Roles,
    texts: Mapping[str, str],
) -> str | None:
    """Why a file must not be landed, now that it has been read; None if it may be.

    In a file whose records name their own columns (JSON) a mapped key that all earlier batches had may be missing; in
    a file without header columns may have changed places.
    """
    if not earlier:
        return None
    if header.is_sparse:
        has = frozenset(columns)
        like = _most_alike(has, earlier)
        lost = [
            name
            for name in _lost(has, earlier, roles)
            if rows * min(_filled(batch, name) for batch in earlier) >= _EXPECTED_AT_LEAST
        ]
        if not lost:
            return None
        renamed = _renamed(header, like, lost, earlier, lambda: columns)
        return _said_of_lost(header, like, lost, roles, texts, renamed)
    return None if header.has_names else _moved(header, columns, earlier)


def _of_another_entity(
    header: Header, earlier: Sequence[BatchProfile], roles: Roles, others: Mapping[str, Collection[str]]
) -> str | None:
    if not header.has_names:
        return None
    has = header.layout
    own = max((_jaccard(has, b.layout) for b in earlier), default=_share_of(roles.needed, has))
    if own >= 0.5 or not has:
        return None
    for entity, raws in others.items():
        if len(raws) > 1 and _share_of(raws, has) >= _OTHER_ENTITY and _share_of(roles.needed, has) < 0.5:
            return (
                f"{header.file} has the columns of {entity}, not of {header.entity}; {NOTHING_LANDED}: narrow the "
                f"`path:` of {header.entity} in the source file, or move the file away"
            )
    if earlier and not has & _all_names(earlier):
        return (
            f"{header.file} has none of the columns of earlier files of {header.entity} "
            f"(it has {_listed(header.names)}); {NOTHING_LANDED}: narrow the `path:` in the source file, or move the "
            f"file away"
        )
    return None


def _lost(has: frozenset[str], earlier: Sequence[BatchProfile], roles: Roles) -> set[str]:
    """Raw columns that our columns need and the file lacks, unless it is another kind of file that the mapping knows.

    A column is lost where the batch most like this one had raw columns for it of which the file lacks some and brings
    no other. Files that lack one mapped column but bring another instead complement each other: `coalesce(a, b)`, or
    two kinds of files under one path.
    """
    if any(b.layout & roles.all_mapped <= has for b in earlier):
        return set()
    like = _most_alike(has, earlier).layout
    lost: set[str] = set()
    for raws in roles.mapped.values():
        if not raws & like and raws & has:
            return set()
        if raws & like - has and not raws & has - like:
            lost |= raws & like - has
    return lost


def _most_alike(has: frozenset[str], earlier: Sequence[BatchProfile]) -> BatchProfile:
    return max(reversed(earlier), key=lambda b: _jaccard(has, b.layout))


def _renamed(
    header: Header,
    like: BatchProfile,
    lost: Collection[str],
    earlier: Sequence[BatchProfile],
    columns: Callable[[], Mapping[str, ColumnProfile]],
) -> dict[str, str]:
    """Lost column -> the new column that has a name or the place and values like it."""
    new = [name for name in header.names if name.lower() not in _all_names(earlier)]
    if not new:
        return {}
    profiles, renamed = columns(), dict[str, str]()
    same_width = len(header.names) == len(like.columns)
    for old in sorted(lost, key=lambda name: like.columns[name].position):
        scores: dict[str, float] = {}
        for name in (name for name in new if name not in renamed.values()):
            names = difflib.SequenceMatcher(None, _folded(old), _folded(name)).ratio()
            in_place = same_width and header.names.index(name) == like.columns[old].position
            there = profiles.get(name.lower())
            differ = 1.0 if there is None else total_variation(there.kinds, like.columns[old].kinds)
            if (names >= _ALIKE_NAMES or in_place) and differ <= _UNLIKE_SHAPES:
                scores[name] = names + in_place - differ
        if scores:
            renamed[old] = max(scores, key=scores.__getitem__)
    return renamed


def _said_of_lost(
    header: Header,
    like: BatchProfile,
    lost: Collection[str],
    roles: Roles,
    texts: Mapping[str, str],
    renamed: Mapping[str, str],
) -> str:
    ordered = sorted(lost, key=lambda name: like.columns[name].position)
    for old in ordered:
        if old in renamed:
            was = like.columns[old].name
            lines = [
                f"`{ours}: {with_alternative(texts.get(ours, was), was, renamed[old])}`" for ours in roles.made_of(old)
            ]
            return (
                f"{header.file}: column `{was}` of {header.entity} is gone and `{renamed[old]}` looks like it under a "
                f"new name; {NOTHING_LANDED}: if it is the same, write {' and '.join(lines)} in the source file, "
                f"else ask for `{was}`"
            )
    gone = [like.columns[name].name for name in ordered]
    ours = list(dict.fromkeys(o for name in ordered for o in roles.made_of(name)))
    return (
        f"{header.file}: column {_listed(gone)} is gone, of which {_listed(ours)} of {header.entity} "
        f"{'is' if len(ours) == 1 else 'are'} made; {NOTHING_LANDED}: ask for the column, or take it out of the "
        f"source file"
    )


def _moved(header: Header, columns: Mapping[str, ColumnProfile], earlier: Sequence[BatchProfile]) -> str | None:
    """Columns of a file without header that now look like another column used to."""
    past = {name: _last_known(name, earlier) for name in columns}
    known = {name: c for name, c in past.items() if c is not None and c.sampled >= FEWEST_EARLIER_VALUES}
    there = {name: c for name, c in columns.items() if c.sampled >= FEWEST_VALUES}
    strange = [name for name in there if name in known and _difference(there[name], known[name]) > _UNLIKE_SHAPES]
    if len(strange) < 2:
        return None
    moved: dict[str, str] = {}
    for name in strange:
        nearest = min(known, key=lambda other: _difference(there[name], known[other]))
        if _difference(there[name], known[nearest]) < _ALIKE_SHAPES:
            moved[name] = nearest
    if len(moved) >= 2 and moved.keys() == set(moved.values()):
        what = ", ".join(
            f"column {columns[now].position + 1} looks like what was column {known[was].position + 1}"
            for now, was in moved.items()
        )
        return (
            f"{header.file} has no header and its columns stand in another order: {what}; {NOTHING_LANDED}: ask for "
            f"the usual order"
        )
    if len(strange) * 2 >= len(known):
        return (
            f"{header.file} has no header and {len(strange)} of its {len(columns)} columns hold other things than in "
            f"earlier files of {header.entity}; {NOTHING_LANDED}: narrow the `path:` in the source file, or move the "
            f"file away"
        )
    return None


def _difference(now: ColumnProfile, was: ColumnProfile) -> float:
    """How unlike two columns are, 0..1: by their shapes, their categories, and where their numbers lie."""
    if now.is_category and was.is_category:
        common = (now.values or {}).keys() & (was.values or {}).keys()
        return 0.0 if common else 1.0
    shapes = total_variation(now.shapes, was.shapes)
    if now.low is None or now.high is None or was.low is None or was.high is None:
        return shapes
    apart = max(now.low - was.high, was.low - now.high)
    return max(shapes, 1.0 if apart > 0 else 0.0)


def _last_known(name: str, earlier: Sequence[BatchProfile]) -> ColumnProfile | None:
    return next((b.columns[name] for b in reversed(earlier) if name in b.columns), None)


def _filled(batch: BatchProfile, name: str) -> float:
    """Share of the batch's rows in which the column is there."""
    if name not in batch.columns or not batch.landed:
        return 0.0
    return 1 - batch.columns[name].null_count / batch.landed


def _all_names(earlier: Sequence[BatchProfile]) -> frozenset[str]:
    return frozenset[str]().union(*(b.layout for b in earlier))


def _jaccard(first: frozenset[str], second: frozenset[str]) -> float:
    return len(first & second) / max(1, len(first | second))


def _share_of(wanted: Collection[str], has: frozenset[str]) -> float:
    """Share of the wanted names that are there; all of none."""
    return sum(name in has for name in wanted) / len(wanted) if wanted else 1.0


def _folded(name: str) -> str:
    return "".join(character for character in name.lower() if character.isalnum())


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in names[:6]) + (", …" if len(names) > 6 else "")
