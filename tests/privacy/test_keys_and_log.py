"""On the home of a whole run: keys are rotated without a byte of data, and a log that was changed is found."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable
from pathlib import Path

from lakehouse.privacy import audit, vault
from lakehouse.privacy.keyring import open_keyring
from lakehouse.privacy.pseudonyms import Pseudonyms
from tests.privacy.conftest import House, Told


def test_keys_are_rotated_and_no_data_is_written(house: House, record_property: Told) -> None:
    def data() -> dict[str, str]:
        files = [path for folder in ("vault", "tables") for path in (house.home / folder).rglob("*") if path.is_file()]
        return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}

    person, before = house.kept()[3], data()
    with open_keyring(house.settings) as keyring:
        subject = vault.subject_of(Pseudonyms.of(keyring), "customers", person)
        told = vault.decrypted(house.settings, keyring, subject)
    assert told
    begun = time.perf_counter()
    said = json.loads(house.lakehouse("rotate", "keys", "rotate", "--json").splitlines()[-1])
    seconds = time.perf_counter() - begun
    assert data() == before
    with open_keyring(house.settings) as keyring:
        assert vault.subject_of(Pseudonyms.of(keyring), "customers", person) == subject
        assert vault.decrypted(house.settings, keyring, subject) == told
    figure = f"{said['wrapped_anew']:,} keys in {seconds:.1f} s, 0 of {len(before):,} files written"
    record_property("key rotation", f"{figure}; pseudonyms and values as before")


def changed(lines: list[str]) -> list[str]:
    return [lines[0].replace("ticket", "tocket"), *lines[1:]]


TAMPERING: dict[str, Callable[[list[str]], list[str]]] = {
    "a word changed": changed,
    "a line taken out": lambda lines: lines[1:],
    "the last line cut off": lambda lines: lines[:-1],
    "two lines in other order": lambda lines: [lines[1], lines[0], *lines[2:]],
    "a line put in twice": lambda lines: [lines[0], *lines],
    "all of it gone": lambda lines: [],
}


def test_every_change_of_the_log_is_found(house: House, record_property: Told) -> None:
    people = house.kept()[:3]
    for number, person in enumerate(people):
        house.lakehouse(f"reveal {number}", "reveal", person, "--reason", f"ticket {number}")
    for number in range(len(people)):  # what it shows is the person's own; it is no leak, and is not kept here
        (house.folder / "screen" / f"reveal {number}.txt").unlink()
    log = audit.log_path(house.settings)
    whole = log.read_text(encoding="utf-8")
    assert "are as they were written" in house.lakehouse("verify", "audit", "verify")
    found = 0
    for name, tamper in TAMPERING.items():
        log.write_text("".join(f"{line}\n" for line in tamper(whole.splitlines())), encoding="utf-8")
        said = house.lakehouse("tampered", "audit", "verify", expected=1)
        assert str(log) in said, name
        found += 1
    log.write_text(whole, encoding="utf-8")
    assert "are as they were written" in house.lakehouse("verify", "audit", "verify")
    record_property("audit log", f"{found} of {len(TAMPERING)} ways to change it are found: {', '.join(TAMPERING)}")


def test_a_home_without_its_master_key_opens_nothing(house: House, tmp_path: Path, record_property: Told) -> None:
    person, key = house.kept()[0], house.home / "keys" / "master.key"
    aside = tmp_path / "master.key"
    key.rename(aside)
    try:
        said = house.lakehouse("lost key", "reveal", person, "--reason", "a test", expected=2)
    finally:
        aside.rename(key)
    assert "master key" in said
    assert not any(marker.value in said for marker in house.planted.markers if marker.id.startswith(f"{person} "))
    record_property("lost master key", "one sentence, exit code 2, nothing shown")
