"""What older versions hold: readers are given a set without the persons first, then the past goes."""

from __future__ import annotations

from datetime import datetime

from lakehouse import publication
from lakehouse.builds import Ledger
from lakehouse.privacy.erasure import tables
from lakehouse.privacy.erasure.journal import Erasing, Journal
from lakehouse.privacy.erasure.rows import vault_tables
from lakehouse.privacy.person_keys import matches_of
from lakehouse.privacy.traces import is_telling
from lakehouse.storage import list_tables


def end_histories(erasing: Erasing) -> None:
    """Of every table that was changed, and of those whose past names somebody: a commit that ends it."""
    settings, progress = erasing.settings, erasing.progress
    vague = any(not is_telling(key) for key in erasing.keys.values())
    for name in [*(f"{schema}.{table}" for schema, table in list_tables(settings)), *vault_tables(settings)]:
        if name not in progress.states:
            columns = tables.columns_of(settings, name)
            is_keyed = vague and bool(matches_of(columns, erasing.keys) or name.startswith("bronze."))
            if not is_keyed and not tables.files_with_traces(settings, name, erasing.traces):
                continue
            erasing.tell("past", name)
            erasing.touch(name)
        progress.versions[name] = tables.end_history(settings, name, erasing.request.id)
        erasing.save()


def tell_ledger(erasing: Erasing) -> None:
    """The next run builds anew all that is counted, ranked or learnt; rows that stand for themselves stay."""
    ledger = Ledger(erasing.settings)
    ledger.forget_all_but_merged()
    for name, before in erasing.progress.states.items():
        ledger.moved(name, before)


def publish(erasing: Erasing) -> None:
    """Readers see a set without the persons, of all tables in one step; sets of before are not offered any more."""
    gold = {name: version for name, version in erasing.progress.versions.items() if name.startswith("gold.")}
    if gold:
        publication.replace_tables(erasing.settings, gold, datetime.fromisoformat(erasing.request.at))


def forget_past(journal: Journal) -> None:
    """Remove what only older versions need."""
    for name in journal.progress.versions:

        def note(removed: tables.Removed, name: str = name) -> None:
            if "files" not in journal.progress.counts.get(name, {}):  # else they were counted before a kill
                journal.count(name, "files", removed.files)
                journal.count(name, "bytes", removed.bytes)
                journal.count(name, "versions", removed.versions)

        tables.forget_past(journal.settings, name, note)
