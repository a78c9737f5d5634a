"""An erasure from the request to the certificate on a shop of two: killed anywhere, refused, asked for twice."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from deltalake import write_deltalake

from lakehouse import publication
from lakehouse.errors import InputError, LakehouseError
from lakehouse.privacy import audit
from lakehouse.privacy.erasure import certificate
from lakehouse.privacy.erasure.journal import PROGRESS, REQUEST, is_under_way
from lakehouse.privacy.erasure.requests import continue_killed
from lakehouse.privacy.erasure.steps import STEPS
from lakehouse.privacy.keyring import open_keyring
from lakehouse.privacy.reveal import NotAllowed
from lakehouse.storage import delta_table
from tests.unit.privacy.small_shop import CLOCK, NOON, Home


class Killed(BaseException):
    """What nothing in the code catches."""


@pytest.fixture(scope="module")
def landed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = Home(tmp_path_factory.mktemp("landed") / "shop")
    made.land()
    return made.folder


@pytest.fixture
def home(landed: Path, tmp_path: Path) -> Home:
    shutil.copytree(landed, tmp_path / "shop")
    return Home(tmp_path / "shop")


def content(home: Home) -> dict[str, Any]:
    told = {name: home.rows(name) for name in ("customers", "order_lines", "tickets")}
    return {name: sorted(map(str, rows)) for name, rows in told.items()}


def counts(path: Path) -> list[tuple[Any, ...]]:
    places = json.loads(path.read_text())["places"]
    return [(one["place"], one["removed"], one["detached"], one["hidden"]) for one in places]


def test_one_that_is_killed_before_or_after_every_step_ends_as_one_that_was_not(home: Home, tmp_path: Path) -> None:
    other = Home(Path(shutil.copytree(home.folder, tmp_path / "other" / "shop")))
    undisturbed = counts(other.erase("C001"))
    waiting = [*STEPS, "check"]

    def tell(step: str, what: str) -> None:
        if not what and waiting and step == waiting[0]:
            waiting.pop(0)
            raise Killed

    with pytest.raises(Killed):
        home.erase("C001", tell=tell)
    while waiting:
        assert is_under_way(home.settings)
        assert b"C001" not in (home.settings.home / REQUEST).read_bytes()
        with pytest.raises(Killed):
            continue_killed(home.settings, CLOCK, home.ask, tell)
    path = continue_killed(home.settings, CLOCK, home.ask)
    assert path is not None
    assert (content(home), counts(path)) == (content(other), undisturbed)
    assert not is_under_way(home.settings)
    assert not (home.settings.home / PROGRESS).exists()


def test_one_that_was_killed_is_ended_before_the_next_begins(home: Home) -> None:
    def tell(step: str, what: str) -> None:
        if step == "vault":
            raise Killed

    with pytest.raises(Killed):
        home.erase("C001", tell=tell)
    home.erase("C002")
    told = [json.loads(path.read_text()) for path in certificate.folder(home.settings).glob("*.json")]
    assert sorted(one["persons"] for one in told) == [1, 1]
    assert home.rows("customers") == []


def test_what_is_kept_of_one_under_way_and_was_changed_is_refused(home: Home) -> None:
    def tell(step: str, what: str) -> None:
        if step == "vault":
            raise Killed

    with pytest.raises(Killed):
        home.erase("C001", tell=tell)
    path = home.settings.home / REQUEST
    path.write_text(path.read_text()[:-2] + "00")
    with pytest.raises(LakehouseError, match="is not as it was written"):
        continue_killed(home.settings, CLOCK, home.ask)


def test_to_ask_twice_harms_nobody(home: Home) -> None:
    home.erase("C001")
    before = content(home)
    again = json.loads(home.erase("C001").read_text())
    assert content(home) == before
    assert (again["keys_destroyed"], [one for one in again["places"] if one["removed"]]) == (0, [])


def test_a_pseudonym_names_a_customer_too(home: Home) -> None:
    with open_keyring(home.settings) as keyring:
        (subject_id,) = [one for one in subjects_in_vault(home) if keyring.held([one])][:1]
    told = json.loads(home.erase(subject_id).read_text())
    assert told["subjects"] == [subject_id]
    assert len(home.rows("customers")) == 1


def test_readers_get_what_was_published_without_the_person_and_not_what_no_gate_has_passed(home: Home) -> None:
    def gold(table: str, **columns: list[Any]) -> None:
        path = home.settings.table_path("gold", table)
        path.mkdir(parents=True, exist_ok=True)
        write_deltalake(path, pa.table(columns), mode="overwrite")

    gold("dim_customer", customer_id=["C001", "C002"], orders=[1, 2])
    gold("dim_product", product_id=["p"], orders=[3])
    publication.publish(home.settings, "run-1", NOON, "2025-07-01", "made of run-1")
    gold("dim_customer", customer_id=["C001", "C002"], orders=[100, 200])  # and its gate failed
    gold("dim_product", product_id=["p"], orders=[300])
    home.erase("C001")
    published = publication.current(home.settings)
    assert published is not None
    told = {
        name: delta_table(home.settings, name, version).to_pyarrow_table().to_pylist()
        for name, version in published.tables.items()
    }
    assert told == {
        "gold.dim_customer": [{"customer_id": "C002", "orders": 2}],
        "gold.dim_product": [{"product_id": "p", "orders": 3}],
    }


def subjects_in_vault(home: Home) -> list[str]:
    return sorted(delta_table(home.settings, "vault.identifiers").to_pyarrow_table()["subject_id"].to_pylist())


def test_who_may_not_see_identifiers_may_not_erase(home: Home) -> None:
    home.settings = home.settings.model_copy(update={"reveal_users": "somebody-else"})
    with pytest.raises(NotAllowed):
        home.erase("C001")
    assert len(home.rows("customers")) == 2
    assert [line["action"] for line in audit.read(home.settings)] == ["erase refused"]


def test_a_certificate_of_another_house_or_without_its_line_in_the_log_is_refused(home: Home, tmp_path: Path) -> None:
    path = home.erase("C001")
    other = Home(tmp_path / "other")
    other.land()
    with open_keyring(other.settings) as keyring, pytest.raises(InputError, match="is of another house"):
        certificate.read(other.settings, keyring, path)
    (home.settings.home / "audit" / "audit.jsonl").unlink()
    with open_keyring(home.settings) as keyring, pytest.raises(LakehouseError, match="audit log does not know"):
        certificate.read(home.settings, keyring, path)


def test_its_page_is_whole_without_a_network_and_shows_what_was_done(home: Home) -> None:
    page = home.erase("C001", "C002").with_suffix(".html").read_text()
    assert "Of 2 persons" in page
    assert "<script" not in page
    assert "http" not in page.replace("http-equiv", "")
    assert "bronze.<wbr>order_<wbr>lines" in page
    assert "C001" not in page
