"""The vault: what of a file goes in while it is landed, what comes out for whom, and what a destroyed key leaves."""

from __future__ import annotations

import os
import shutil
import stat
from datetime import datetime, timezone
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from deltalake import DeltaTable

from lakehouse import ops
from lakehouse.bronze import land
from lakehouse.bronze.fingerprints import Fingerprints
from lakehouse.bronze.journal import Journal
from lakehouse.bronze.tables import Append
from lakehouse.errors import InputError, LakehouseError
from lakehouse.maintenance import FEW_FILES, maintain
from lakehouse.privacy import audit, vault
from lakehouse.privacy.keyring import open_keyring
from lakehouse.privacy.keyring import status as keyring_status
from lakehouse.privacy.pseudonyms import Pseudonyms
from lakehouse.privacy.reveal import NotAllowed, asking_user, reveal
from lakehouse.settings import Settings, load_settings
from lakehouse.sources import load_source
from lakehouse.storage import delta_table, list_tables

NOON = datetime(2025, 7, 1, 12, tzinfo=timezone.utc)
SOURCE = """
name: shop
entities:
  customers:
    path: people*.csv
    columns: {customer_id: no, full_name: name, phone: mobile, city: town}
  partner_members:
    path: members.csv
    columns: {partner_id: partner, member_id: member, email: mail}
  products: {path: things.csv, columns: {product_id: sku}}
"""


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a shop and the home into which it was landed, and whose vault was filled."""
    folder = tmp_path_factory.mktemp("filled")
    shop = folder / "shop"
    shop.mkdir()
    (shop / "source.yml").write_text(SOURCE)
    (shop / "people.csv").write_text(
        "no,name,mobile,town\na,王芳,13800138000,Oslo\nb,Bob Ray, 555 ,\nc,,,Rome\n,Nobody,13900139000,\n"
    )
    (shop / "members.csv").write_text("partner,member,mail\nair,a,fang@x.cn\n")
    (shop / "things.csv").write_text("sku\n1\n")
    assert landed(load_settings(home=folder / "home"), shop) == {"people.csv": 3, "members.csv": 1, "things.csv": 0}
    return folder


@pytest.fixture
def settings(filled: Path, tmp_path: Path) -> Settings:
    """A copy of that home, to be changed."""
    shutil.copytree(filled, tmp_path, dirs_exist_ok=True)
    return load_settings(home=tmp_path / "home")


@pytest.fixture
def shop(settings: Settings) -> Path:
    """The shop of that home."""
    return settings.home.parent / "shop"


def landed(settings: Settings, shop: Path) -> dict[str, int]:
    """File -> rows of it that went into the vault."""
    return {load.file: load.rows_sealed for load in land(settings, [load_source(shop / "source.yml")], "run", NOON)}


def shown(settings: Settings, key: str, entity: str = "customers") -> dict[str, dict[str, str]]:
    return reveal(settings, key, "a test", NOON, asking_user(), entity).by_source


def rows_of(settings: Settings, customer_id: str) -> list[dict[str, str]]:
    with open_keyring(settings) as keyring:
        return [
            row["values"] for row in vault.decrypted(settings, keyring, Pseudonyms.of(keyring).pseudonym(customer_id))
        ]


def keyring_counts(settings: Settings) -> int:
    return keyring_status(settings).subjects


def every_byte(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())


def test_a_person_is_revealed_as_the_source_told_them(settings: Settings) -> None:
    assert shown(settings, "a") == {"shop": {"customer_id": "a", "full_name": "王芳", "phone": "13800138000"}}
    assert shown(settings, "b") == {"shop": {"customer_id": "b", "full_name": "Bob Ray", "phone": "555"}}
    member = {"partner_id": "air", "member_id": "a", "email": "fang@x.cn"}
    assert shown(settings, "air|a", "partner_members") == {"shop": member}


def test_who_has_no_identifiers_is_not_in_the_vault(settings: Settings) -> None:
    assert DeltaTable(vault.uri(settings)).to_pyarrow_table().num_rows == 4
    with pytest.raises(InputError, match="holds nothing of customers 'c'"):
        shown(settings, "c")


def test_what_a_row_without_a_key_says_is_kept_under_the_key_of_its_batch(settings: Settings) -> None:
    kept = DeltaTable(vault.uri(settings)).to_pyarrow_table().to_pylist()
    (of_nobody,) = (row for row in kept if row["subject_id"] == f"batch:{row['batch_id']}")
    with open_keyring(settings) as keyring:
        found = vault.values_of_batch(settings, keyring, of_nobody["batch_id"])
    assert (4, of_nobody["subject_id"], {"full_name": "Nobody", "phone": "13900139000"}) in found
    assert keyring_counts(settings) == 3


def test_a_pseudonym_leads_to_the_same_person(settings: Settings) -> None:
    with open_keyring(settings) as keyring:
        name = Pseudonyms.of(keyring).pseudonym("a")
    assert shown(settings, name) == shown(settings, "a")


def test_no_identifier_and_no_key_of_a_source_is_in_the_vaults_files(settings: Settings) -> None:
    found = every_byte(settings.home / "vault") + b"".join(
        bytes(sealed) for sealed in DeltaTable(vault.uri(settings)).to_pyarrow_table()["ciphertext"].to_pylist()
    )
    for value in ("王芳", "13800138000", "Bob Ray", "fang@x.cn", "full_name"):
        assert value.encode() not in found


def test_the_vault_is_closed_to_others_and_is_no_table_that_sql_knows(settings: Settings) -> None:
    assert stat.S_IMODE((settings.home / "vault").stat().st_mode) == 0o700
    assert "vault" not in {schema for schema, _ in list_tables(settings)}


def test_nothing_new_is_done_without_opening_the_keys(settings: Settings, shop: Path) -> None:
    shutil.rmtree(settings.keys_dir)
    assert landed(settings, shop) == {}


def test_a_vault_that_was_maintained_is_read_as_ever(settings: Settings, shop: Path) -> None:
    for number in range(FEW_FILES + 1):
        (shop / f"people_{number}.csv").write_text(f"no,name,mobile,town\np{number},Pia {number},{number},\n")
        assert landed(settings, shop) == {f"people_{number}.csv": 1}
    done = {one.table: one for one in maintain(settings.model_copy(update={"retention_hours": 0}))}
    assert done["vault.identifiers"].files_after == 1
    assert landed(settings, shop) == {}
    assert shown(settings, "p3")["shop"]["full_name"] == "Pia 3"


def test_a_new_file_is_added_and_the_newest_value_is_shown_first(settings: Settings, shop: Path) -> None:
    (shop / "people_2.csv").write_text("no,name,mobile,town\na,王芳,13900139000,\n")
    assert landed(settings, shop) == {"people_2.csv": 1}
    assert shown(settings, "a")["shop"]["phone"] == "13900139000"
    assert reveal(settings, "a", "a test", NOON, asking_user()).records == 2


def test_a_file_that_is_refused_leaves_nothing_in_the_vault(settings: Settings, shop: Path) -> None:
    before = DeltaTable(vault.uri(settings)).to_pyarrow_table().num_rows
    (shop / "people_2.csv").write_text("no,name,mobile,town\n" + "e,Ed,3,\n" * 5)
    stands = Fingerprints.still_stands
    with pytest.MonkeyPatch.context() as patch:  # as if it grew while it was read
        patch.setattr(
            Fingerprints, "still_stands", lambda self, path: path.name != "people_2.csv" and stands(self, path)
        )
        with pytest.raises(InputError, match="changed while it was read"):
            landed(settings, shop)
    assert DeltaTable(vault.uri(settings)).to_pyarrow_table().num_rows == before
    assert landed(settings, shop) == {"people_2.csv": 5}


@pytest.mark.parametrize("table", ["vault.identifiers", "bronze.customers"])
def test_what_is_killed_between_vault_and_bronze_is_taken_back_and_landed_whole(
    settings: Settings, shop: Path, monkeypatch: pytest.MonkeyPatch, table: str
) -> None:
    """The process ends right after the commit of one of the two, and nothing is tidied up."""

    class Killed(BaseException):
        pass

    (shop / "people_2.csv").write_text("no,name,mobile,town\ne,Ed,3,\nf,Flo,4,\n")
    commit = Append.commit

    def killed_after(self: Append) -> int:
        rows = commit(self)
        if self._name == table:
            raise Killed
        return rows

    with monkeypatch.context() as patch:
        patch.setattr(Append, "commit", killed_after)
        patch.setattr(Journal, "take_back", lambda self, batch: None)
        with pytest.raises(Killed):
            landed(settings, shop)
    assert landed(settings, shop) == {"people_2.csv": 2}
    kept = DeltaTable(vault.uri(settings)).to_pyarrow_table().to_pylist()
    rows = delta_table(settings, "bronze.customers").to_pyarrow_table().to_pylist()
    assert len([row for row in kept if row["entity"] == "customers"]) == 5
    assert sorted(row["no"] or "" for row in rows) == ["", "a", "b", "c", "e", "f"]
    assert reveal(settings, "e", "a test", NOON, asking_user()).records == 1


def test_a_destroyed_key_makes_one_person_unreadable_in_every_version_and_copy(
    settings: Settings, shop: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "backup"
    shutil.copytree(settings.home / "vault", copy / "vault")
    with open_keyring(settings) as keyring:
        subject = Pseudonyms.of(keyring).pseudonym("a")
        keyring.destroy([subject])
        assert vault.decrypted(settings, keyring, subject) == []
    with pytest.raises(InputError, match="'a' was erased"):
        shown(settings, "a")
    shutil.rmtree(settings.home / "vault")
    shutil.copytree(copy / "vault", settings.home / "vault")
    with pytest.raises(InputError, match="'a' was erased"):
        shown(settings, "a")
    assert shown(settings, "b")["shop"]["phone"] == "555"


def test_who_was_erased_and_is_sent_again_is_not_kept(settings: Settings, shop: Path) -> None:
    with open_keyring(settings) as keyring:
        keyring.destroy([Pseudonyms.of(keyring).pseudonym("a")])
    (shop / "people_2.csv").write_text("no,name,mobile,town\na,王芳,13900139000,\nd,Di,13900139001,\n")
    assert landed(settings, shop) == {"people_2.csv": 1}
    rows = delta_table(settings, "bronze.customers").to_pyarrow_table().to_pylist()
    masks = {row["no"]: row["_shown_phone"] for row in rows if row["_file"] == "people_2.csv"}
    assert masks == {"d": "139****9001"}
    (load,) = [row for row in ops.read(settings, "loads") if row["file"] == "people_2.csv"]
    assert (load["rows_read"], load["rows_landed"], load["rows_erased"]) == (2, 1, 1)


def test_a_ciphertext_that_is_passed_off_as_another_persons_does_not_open(settings: Settings) -> None:
    table = DeltaTable(vault.uri(settings))
    with open_keyring(settings) as keyring:
        names = Pseudonyms.of(keyring)
        a, b = names.pseudonym("a"), names.pseudonym("b")
        table.delete(f"subject_id = '{b}'")
        table.update(predicate=f"subject_id = '{a}'", updates={"subject_id": f"'{b}'"})
        with pytest.raises(LakehouseError, match="is not as it was written"):
            vault.decrypted(settings, keyring, b)


def test_what_was_revealed_is_in_the_log_with_user_and_reason(settings: Settings) -> None:
    reveal(settings, "a", " ticket 4711 ", NOON, asking_user())
    (line,) = audit.read(settings)
    assert (line["user"], line["action"], line["reason"]) == (asking_user(), "reveal", "ticket 4711")
    assert "王芳" not in str(line)


def test_who_has_no_right_sees_nothing_and_is_written_down(settings: Settings) -> None:
    strict = settings.model_copy(update={"reveal_users": "li, wang"})
    with pytest.raises(NotAllowed, match="mallory may not see identifiers"):
        reveal(strict, "a", "curious", NOON, "mallory")
    assert [(line["user"], line["action"]) for line in audit.read(settings)] == [("mallory", "reveal refused")]
    assert reveal(strict, "a", "ticket 4711", NOON, "wang").records == 1


def test_the_environment_cannot_pretend_another_user(monkeypatch: pytest.MonkeyPatch) -> None:
    before = asking_user()
    for variable in ("LOGNAME", "USER", "USERNAME"):
        monkeypatch.setenv(variable, "mallory")
    assert asking_user() == before


@pytest.mark.parametrize("reason", ["", "  "])
def test_a_reason_is_asked_for(settings: Settings, reason: str) -> None:
    with pytest.raises(InputError, match="say why"):
        reveal(settings, "a", reason, NOON, asking_user())
    assert not os.path.exists(audit.log_path(settings))


def test_what_is_sealed_opens_only_as_what_it_is_and_as_it_was(settings: Settings) -> None:
    key = bytes(range(32))
    whole = vault.sealed_text(key, b"ann", "Ünïcode")
    assert vault.opened_text(AESGCM(key), b"ann", whole) == "Ünïcode"
    for bound, sealed in ((b"bo", whole), (b"ann", whole[:-1] + bytes([whole[-1] ^ 1]))):
        with pytest.raises(InvalidTag):
            vault.opened_text(AESGCM(key), bound, sealed)
