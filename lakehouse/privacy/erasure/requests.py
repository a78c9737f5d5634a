"""An erasure from the request to the certificate, and those that come of themselves: continued after a kill, and of
persons whom a source has sent again."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

from lakehouse import ops
from lakehouse.atomic_file import replace_file
from lakehouse.bronze.rights import ENTITY_OF, Rights
from lakehouse.privacy.erasure import certificate, steps
from lakehouse.privacy.erasure.journal import Ask, Erasing, Tell, is_under_way, perform
from lakehouse.privacy.erasure.persons import keys_by_sql
from lakehouse.privacy.keyring import Keyring, open_keyring
from lakehouse.privacy.person_keys import BETWEEN, mappings
from lakehouse.privacy.reveal import asking_user, may_act
from lakehouse.settings import Settings

Clock = Callable[[], datetime]

LOOKED_AT = "returned.json"
"""The batches that were looked through for erased persons whose keys are made by expressions."""


def erase(
    settings: Settings,
    named: Sequence[str],
    entity: str,
    reason: str,
    clock: Clock,
    ask: Ask,
    tell: Tell = lambda step, what: None,
) -> Path:
    """Erase persons and write the certificate; one that was killed before is continued to its end first.

    The caller holds the home's lock.

    Raises:
        NotAllowed: this user may not.
        InputError: see `steps.begin`.
        LakehouseError: something is left; says where. To be continued.
    """
    user = asking_user()
    with open_keyring(settings) as keyring:
        may_act(settings, keyring, clock(), user, "erase")
        _continued(settings, keyring, clock, ask, tell)
        erasing = steps.begin(settings, keyring, named, entity, reason, user, clock(), ask, tell)
        perform(erasing, steps.STEPS)
        return certificate.certify(erasing, clock)


def continue_killed(settings: Settings, clock: Clock, ask: Ask, tell: Tell = lambda step, what: None) -> Path | None:
    """End an erasure that was killed; None where none was."""
    if not is_under_way(settings):
        return None
    with open_keyring(settings) as keyring:
        return _continued(settings, keyring, clock, ask, tell)


def _continued(settings: Settings, keyring: Keyring, clock: Clock, ask: Ask, tell: Tell) -> Path | None:
    killed = Erasing.under_way(settings, keyring, ask, tell)
    if killed is None:
        return None
    perform(killed, steps.STEPS)
    return certificate.certify(killed, clock)


def erase_returned(settings: Settings, clock: Clock, ask: Ask) -> int:
    """Erase again whom new batches brought back where landing cannot tell: sources whose keys expressions make.

    Returns:
        How many persons.
    """
    rights = Rights.of(settings)
    made = [
        (one, kind)
        for one in mappings(settings)
        for kind in one.kinds()
        if kind in ENTITY_OF and not one.is_plain(kind)
    ]
    if rights is None or not made:
        return 0
    path = settings.home / LOOKED_AT
    looked_at = set(json.loads(path.read_text(encoding="utf-8"))) if path.exists() else set()
    loads = [row for row in ops.read(settings, "loads") if row["batch_id"] not in looked_at]
    returned: dict[str, set[str]] = {}
    for one, kind in made:
        batches = [row["batch_id"] for row in loads if (row["source"], row["entity"]) == (one.source, one.entity)]
        for key in keys_by_sql(one, kind, ask, batches) if batches else ():
            if rights.is_erased(kind, key):
                returned.setdefault(ENTITY_OF[kind], set()).add(key.replace(BETWEEN, "|"))
    with open_keyring(settings) as keyring:
        for entity, named in returned.items():
            why = "erased before, and sent again by a source"
            erasing = steps.begin(settings, keyring, sorted(named), entity, why, asking_user(), clock(), ask)
            perform(erasing, steps.STEPS)
            certificate.certify(erasing, clock)
    replace_file(path, json.dumps(sorted(looked_at | {row["batch_id"] for row in loads})))
    return sum(map(len, returned.values()))
