"""An erasure step by step.

It costs one pass over each table, for one person or ten thousand. What is to be done is written down first, sealed, and
each step may be done again: an erasure that was killed is continued by the next one, or by the next run. The order is
what makes that safe. Keys go first, so that from then on nobody lands the persons again; readers of gold see the set of
before until one without the persons is published, in one step; only then are older versions removed.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from datetime import datetime

from lakehouse import ops
from lakehouse.errors import InputError
from lakehouse.privacy import audit
from lakehouse.privacy.erasure import beyond, past, rows
from lakehouse.privacy.erasure.journal import Ask, Erasing, Request, Tell
from lakehouse.privacy.erasure.persons import identifiers_of, keys_of
from lakehouse.privacy.keyring import Keyring
from lakehouse.privacy.person_keys import OF_ENTITY, name_of
from lakehouse.privacy.pseudonyms import Pseudonyms
from lakehouse.privacy.traces import Traces
from lakehouse.settings import Settings


def begin(
    settings: Settings,
    keyring: Keyring,
    named: Sequence[str],
    entity: str,
    reason: str,
    user: str,
    at: datetime,
    ask: Ask,
    tell: Tell = lambda step, what: None,
) -> Erasing:
    """Find out who is meant and by which keys they are held; write down what is to be done, and that it was asked.

    Args:
        named: customers' ids, or pseudonyms; of another entity its key's parts, with | between.

    Raises:
        InputError: no reason, nobody named, or nothing is held of somebody: says whom. Nothing was changed.
    """
    if not reason.strip():
        raise InputError("say why, in words that another person can check: --reason 'request 4711 of the customer'")
    if entity not in OF_ENTITY:
        raise InputError(f"--entity {entity!r} is none of {', '.join(OF_ENTITY)}")
    if not named:
        raise InputError("nobody is named: give customers' ids, or --file LIST with one a line")
    tell("plan", "who is meant")
    ops.ensure_tables(settings)
    pseudonyms = Pseudonyms.of(keyring)
    keys, subjects, asked, shared = keys_of(settings, keyring, named, entity, ask)
    identifiers = identifiers_of(settings, keyring, set(subjects.values())) - shared
    own = keys.values() - set(subjects.values())
    traces, all_keys = Traces.of(pseudonyms, own | identifiers), Traces.of(pseudonyms, own, every=True)
    request = Request(
        id=f"E{at:%Y%m%dT%H%M%S}-{secrets.token_hex(3)}",
        at=at.isoformat(timespec="seconds"),
        user=user,
        reason=reason.strip(),
        entity=entity,
        persons=len(asked),
        subjects=sorted(set(subjects.values())),
        keys=keys.as_lists(),
        identifiers=sorted(identifiers),
        marks=sorted(traces.marks),
        lengths=sorted(traces.lengths),
        key_marks=sorted(all_keys.marks),
        key_lengths=sorted(all_keys.lengths),
    )
    erasing = Erasing.begun(settings, keyring, request, ask, tell)
    audit.record(settings, keyring, at, user, "erase", erasure=request.id, persons=str(request.persons), reason=reason)
    return erasing


def _destroy_keys(erasing: Erasing) -> None:
    others = [
        name_of(erasing.pseudonyms, kind, key)
        for kind, keys in erasing.keys.of.items()
        for key in keys
        if kind not in OF_ENTITY.values()
    ]
    erasing.progress.keys_destroyed += erasing.keyring.destroy([*erasing.request.subjects, *others])


STEPS: dict[str, Callable[[Erasing], None]] = {
    "keys": _destroy_keys,
    "bronze": rows.clean_bronze,
    "layers": rows.clean_layers,
    "leftovers": rows.hide_leftovers,
    "ops": rows.clean_ops,
    "vault": rows.clean_vault,
    "models": beyond.list_models,
    "history": past.end_histories,
    "ledger": past.tell_ledger,
    "publish": past.publish,
    "past": past.forget_past,
    "files": beyond.clean_files,
    "exports": beyond.list_exports,
}
