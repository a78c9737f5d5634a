"""Keys: made once, wrapped by the master key, rotated, lost, wrong, destroyed."""

from __future__ import annotations

import base64
import errno
import os
import stat
from pathlib import Path

import pytest

from lakehouse.errors import InputError, LakehouseError
from lakehouse.privacy import keyring as keyrings
from lakehouse.privacy.keyring import open_keyring, status
from lakehouse.privacy.master_key import key_id, key_source, new_key
from lakehouse.privacy.pseudonyms import Pseudonyms, pseudonym
from lakehouse.settings import Settings, load_settings


def as_text(*keys: bytes) -> str:
    return ",".join(base64.b64encode(key).decode() for key in keys)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings(home=tmp_path / "home")


@pytest.fixture
def by_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Settings, bytes]:
    """A home whose master key is in an environment variable, and that key."""
    key = new_key()
    monkeypatch.setenv("SHOP_KEY", as_text(key))
    return load_settings(home=tmp_path / "home", master_key_from="env:SHOP_KEY"), key


def test_the_keys_of_the_first_run_are_closed_to_others(settings: Settings) -> None:
    with open_keyring(settings, make=True) as ring:
        ring.keys_for(["ann"])
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in settings.keys_dir.iterdir()}
    assert modes == {"master.key": 0o600, "keyring.db": 0o600}
    assert stat.S_IMODE(settings.keys_dir.stat().st_mode) == 0o700


def test_a_person_keeps_one_key_and_no_two_share_one(settings: Settings) -> None:
    with open_keyring(settings, make=True) as ring:
        first = ring.keys_for(["ann", "bob"])
    with open_keyring(settings) as ring:
        assert ring.keys_for(["bob", "ann", "cy"]) == first | {"cy": ring.keys_for(["cy"])["cy"]}
    assert len(set(first.values())) == 2


def test_a_rotated_key_opens_all_that_the_old_one_did_and_the_old_one_is_gone(settings: Settings) -> None:
    with open_keyring(settings, make=True) as ring:
        before = ring.keys_for(map(str, range(50)))
    old = key_source(settings).read()
    with open_keyring(settings) as ring:
        assert ring.rotate() == 52  # 50 persons, the pseudonyms and the audit log
    (new,) = key_source(settings).read()
    assert [new] != old
    assert status(settings).by_master == {key_id(new): 52}
    with open_keyring(settings) as ring:
        assert ring.held(map(str, range(50))) == before


def test_a_rotation_that_was_killed_goes_on_where_it_was(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keyrings, "ROTATED_AT_ONCE", 20)
    with open_keyring(settings, make=True) as ring:
        before = ring.keys_for(map(str, range(50)))

    def killed(done: int, of: int) -> None:
        raise KeyboardInterrupt

    with open_keyring(settings) as ring, pytest.raises(KeyboardInterrupt):
        ring.rotate(killed)
    halfway = status(settings)
    assert (len(halfway.master_ids), halfway.waiting) == (2, 32)
    with open_keyring(settings) as ring:  # what is half rotated is read as ever
        assert ring.held(map(str, range(50))) == before
        assert ring.rotate() == 32
    done = status(settings)
    assert done.master_ids == halfway.master_ids[:1]
    assert done.by_master == {halfway.master_ids[0]: 52}


def test_a_kill_before_the_old_key_is_dropped_makes_no_third(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_keyring(settings, make=True) as ring:
        monkeypatch.setattr(ring.source, "keep_newest", lambda: False)
        ring.rotate()
    two = status(settings).master_ids
    with open_keyring(settings) as ring:
        assert ring.rotate() == 0
    assert status(settings).master_ids == two[:1]


def test_keys_in_a_variable_are_rotated_by_a_person_who_puts_the_new_one_first(
    by_variable: tuple[Settings, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, old = by_variable
    with open_keyring(settings, make=True) as ring:
        before = ring.keys_for(["ann"])
        with pytest.raises(InputError, match="which only you can set: put a new key in it"):
            ring.rotate()
    new = new_key()
    monkeypatch.setenv("SHOP_KEY", as_text(new, old))
    with open_keyring(settings) as ring:
        assert ring.rotate() == 3
    monkeypatch.setenv("SHOP_KEY", as_text(new))
    with open_keyring(settings) as ring:
        assert ring.held(["ann"]) == before


def test_a_key_moves_out_of_the_home_with_the_next_rotation(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_keyring(settings, make=True) as ring:
        ann = ring.keys_for(["ann"])
    monkeypatch.setenv("SHOP_KEY", as_text(new_key()))
    moved = settings.model_copy(update={"master_key_from": "env:SHOP_KEY"})
    with open_keyring(moved, make=True) as ring:
        assert ring.keys_for(["ann"]) == ann
        bob = ring.keys_for(["bob"])
        ring.rotate()
    assert not (settings.keys_dir / "master.key").exists()
    with open_keyring(moved) as ring:
        assert ring.held(["ann", "bob"]) == ann | bob


def test_a_lost_master_key_is_one_sentence(settings: Settings) -> None:
    with open_keyring(settings, make=True):
        pass
    wanted = key_id(key_source(settings).read()[0])
    (settings.keys_dir / "master.key").unlink()
    with pytest.raises(InputError, match=f"nobody can read the vault.*bring the key {wanted} back"):
        open_keyring(settings, make=True)
    with pytest.raises(InputError, match="nobody can read the vault"):
        keyrings.initialise(settings)  # makes no new one in its place


def test_a_wrong_master_key_is_one_sentence_that_names_both_and_shows_neither(
    by_variable: tuple[Settings, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, right = by_variable
    with open_keyring(settings, make=True):
        pass
    wrong = new_key()
    monkeypatch.setenv("SHOP_KEY", as_text(wrong))
    with pytest.raises(InputError) as told:
        open_keyring(settings)
    assert key_id(right) in str(told.value)
    assert key_id(wrong) in str(told.value)
    assert as_text(wrong) not in str(told.value)


@pytest.mark.parametrize("text", ["hunter2", base64.b64encode(b"short").decode(), "é"])
def test_what_is_no_key_is_not_repeated(tmp_path: Path, text: str) -> None:
    (tmp_path / "key").write_text(f"# of the shop\n{text}\n")
    settings = load_settings(home=tmp_path / "home", master_key_from=f"file:{tmp_path / 'key'}")
    with pytest.raises(InputError, match=r"(line 2 of .*key is no master key|it is not text)") as told:
        open_keyring(settings, make=True)
    assert text not in str(told.value)


def test_a_place_of_an_unknown_kind_is_refused_without_being_repeated(tmp_path: Path) -> None:
    settings = load_settings(home=tmp_path, master_key_from="safe://hunter2")
    with pytest.raises(InputError, match="'master_key_from' says none of file:PATH, env:VARIABLE and kms:URL") as told:
        key_source(settings)
    assert "hunter2" not in str(told.value)


def test_a_file_that_is_named_is_not_made_unasked(tmp_path: Path) -> None:
    settings = load_settings(home=tmp_path / "home", master_key_from=f"file:{tmp_path / 'secret' / 'key'}")
    with pytest.raises(InputError, match="there is no master key in file .*`lakehouse keys init`"):
        open_keyring(settings, make=True)
    assert keyrings.initialise(settings).by_master
    assert stat.S_IMODE((tmp_path / "secret" / "key").stat().st_mode) == 0o600


def test_a_destroyed_key_leaves_no_byte_and_is_never_made_again(settings: Settings) -> None:
    with open_keyring(settings, make=True) as ring:
        ring.keys_for(map(str, range(200)))
        wrapped = {name: kept for name, _, kept in ring._held([str(n) for n in range(200)])}
    gone = [str(n) for n in range(0, 200, 2)]
    with open_keyring(settings) as ring:
        assert ring.destroy([*gone, "never seen"]) == 100
        assert ring.destroyed(map(str, range(4))) == {"0", "2"}
        assert ring.keys_for(["0", "1", "never seen"]).keys() == {"1"}
    left = b"".join(path.read_bytes() for path in settings.keys_dir.glob("keyring*"))
    assert [name for name in gone if wrapped[name] in left] == []
    assert wrapped["1"] in left
    assert (status(settings).subjects, status(settings).destroyed) == (100, 101)


def test_the_keys_of_the_house_cannot_be_destroyed(settings: Settings) -> None:
    with open_keyring(settings, make=True) as ring, pytest.raises(LakehouseError, match="whole house"):
        ring.destroy(["#pseudonyms"])


def test_a_key_put_in_another_persons_place_does_not_open(settings: Settings) -> None:
    with open_keyring(settings, make=True) as ring:
        ring.keys_for(["ann", "bob"])
        ring._db.execute(
            "update keys set wrapped = (select wrapped from keys where subject_id = 'bob') where subject_id = 'ann'"
        )
        with pytest.raises(LakehouseError, match="is damaged"):
            ring.held(["ann"])


def test_a_pseudonym_is_the_hmac_of_the_value_and_outlives_a_rotation(settings: Settings) -> None:
    with open_keyring(settings, make=True) as ring:
        names = Pseudonyms.of(ring)
        before = names.pseudonym("13800138000")
        assert names.all_of(["13800138000", None, " 13800138000 "]) == [before, None, before]
        ring.rotate()
    assert pseudonym(settings, "13800138000") == before
    # RFC 4231, test case 2: the key "Jefe"
    expected = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    assert Pseudonyms(b"Jefe").pseudonym("what do ya want for nothing?") == expected[:32]


def test_another_house_has_other_pseudonyms(tmp_path: Path) -> None:
    houses = [load_settings(home=tmp_path / name) for name in ("one", "other")]
    for house in houses:
        keyrings.initialise(house)
    assert pseudonym(houses[0], "ann@shop.cn") != pseudonym(houses[1], "ann@shop.cn")


def test_a_mounted_secret_says_what_a_person_must_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "key").write_text(as_text(new_key()))
    settings = load_settings(home=tmp_path / "home", master_key_from=f"file:{tmp_path / 'key'}")

    def read_only(source: object, target: object) -> None:  # for root may write where nobody else may
        raise OSError(errno.EROFS, "Read-only file system")

    with open_keyring(settings, make=True) as ring:
        monkeypatch.setattr(os, "replace", read_only)
        with pytest.raises(InputError, match="Read-only.*put a new key as its first line"):
            ring.rotate()
