"""A source on a laptop and the same source in a pod name the same rows; what cannot go along is refused."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import yaml

from lakehouse.cluster.upload import DEFINITION, MOST_BYTES, names_in, pack, take
from lakehouse.errors import InputError
from lakehouse.sources import entity_files

MOUNTS = ("/lakehouse", "/etc/lakehouse/logins")
ORDERS = "no,pos,customer,sku,qty,price\n1,1,c1,p1,2,9.50\n"


def source(folder: Path, path: str, name: str = "shop", more: str = "") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{name}.yml"
    file.write_text(
        f"""
name: {name}
timezone: Europe/Berlin
currency: EUR
entities:
  order_lines:
    key: [order_id, line_number]
    path: {path}
    {more}
    columns:
      order_id: no
      line_number: pos
      customer_id: customer
      product_id: sku
      quantity: qty
      unit_price: price
""",
        encoding="utf-8",
    )
    return file


def in_the_pod(packed: bytes, tmp_path: Path) -> Path:
    archive = tmp_path / "sources.zip"
    archive.write_bytes(packed)
    home = tmp_path / "home"
    take(archive, home)
    return home / "uploads"


def files_of(uploads: Path, name: str = "shop") -> dict[str, str]:
    folder = uploads / name
    found = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    return {place: path.read_text() for place, path in found.items() if place != DEFINITION}


def test_files_beside_the_definition_keep_their_place(tmp_path: Path) -> None:
    laptop = tmp_path / "laptop"
    (laptop / "in").mkdir(parents=True)
    (laptop / "in" / "a.csv").write_text(ORDERS)
    (laptop / "in" / "b.csv").write_text(ORDERS)
    uploads = in_the_pod(pack([source(laptop, "in/*.csv")], MOUNTS), tmp_path)
    assert files_of(uploads) == {"in/a.csv": ORDERS, "in/b.csv": ORDERS}
    assert yaml.safe_load((uploads / "shop" / DEFINITION).read_text())["entities"]["order_lines"]["path"] == "in/*.csv"


def test_files_elsewhere_are_named_where_they_will_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a.csv").write_text(ORDERS)
    monkeypatch.setenv("SHOP_DATA", str(tmp_path / "data"))
    packed = pack([source(tmp_path / "laptop", "[../data/a.csv, '${SHOP_DATA}/*.csv']")], MOUNTS)
    uploads = in_the_pod(packed, tmp_path)
    place = f"outside{tmp_path.as_posix()}/data/a.csv"
    assert files_of(uploads) == {place: ORDERS}
    paths = yaml.safe_load((uploads / "shop" / DEFINITION).read_text())["entities"]["order_lines"]["path"]
    assert paths == [place, f"outside{tmp_path.as_posix()}/data/*.csv"]


@pytest.mark.parametrize(
    "path",
    ["/lakehouse/data/*.csv", "/lakehouse/../lakehouse/a.csv", "${POD_DATA}/*.csv", "'jdbc:postgresql://db/shop'"],
)
def test_what_is_the_pods_stays_as_it_is(path: str, tmp_path: Path) -> None:
    more = "table: public.orders" if "jdbc" in path else ""
    packed = pack([source(tmp_path, path, more=more)], MOUNTS)
    (tmp_path / "sources.zip").write_bytes(packed)
    assert names_in(tmp_path / "sources.zip") == ["shop"]
    assert b"a.csv" not in packed or ".." in path


def test_a_path_below_a_folder_with_a_like_name_is_of_this_machine(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"source file .*shop.yml: order_lines: no file matches `/lakehouse2/a.csv`"):
        pack([source(tmp_path, "/lakehouse2/a.csv")], MOUNTS)


def test_more_than_fits_is_refused_before_anything_is_started(tmp_path: Path) -> None:
    (tmp_path / "large.csv").write_bytes(os.urandom(MOST_BYTES + 1))
    (tmp_path / "small.csv").write_text(ORDERS)
    with pytest.raises(InputError) as refused:
        pack([source(tmp_path, "'*.csv'")], MOUNTS)
    told = str(refused.value)
    assert "large.csv and 1 more (1.0 MB, 1.0 MB packed) are on this machine only" in told
    assert "uploads 1 MB packed at most: put them on the run's volume or in a database" in told


def test_what_packs_small_may_be_larger(tmp_path: Path) -> None:
    (tmp_path / "orders.csv").write_text(ORDERS + ORDERS.splitlines()[1] * 100_000)
    assert (tmp_path / "orders.csv").stat().st_size > MOST_BYTES
    assert len(pack([source(tmp_path, "orders.csv")], MOUNTS)) < MOST_BYTES


@pytest.mark.parametrize("file", ["secret.txt", "/home/ann/secret.txt", "~/secret.txt"])
def test_a_secrets_file_of_this_machine_is_refused(file: str, tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("hunter2")
    more = f"table: public.orders\n    password_file: {file}"
    with pytest.raises(InputError, match="secrets are not uploaded") as refused:
        pack([source(tmp_path, "'jdbc:postgresql://db/shop'", more=more)], MOUNTS)
    assert "hunter2" not in str(refused.value)


def test_a_secrets_file_of_the_pod_is_named_as_it_is(tmp_path: Path) -> None:
    more = "table: public.orders\n    password_file: /etc/lakehouse/logins/shop"
    assert pack([source(tmp_path, "'jdbc:postgresql://db/shop'", more=more)], MOUNTS)


def test_the_folder_in_the_home_is_what_was_uploaded_last(tmp_path: Path) -> None:
    laptop = tmp_path / "laptop"
    definition = source(laptop, "'*.csv'")
    (laptop / "monday.csv").write_text(ORDERS)
    in_the_pod(pack([definition], MOUNTS), tmp_path)
    (laptop / "monday.csv").rename(laptop / "tuesday.csv")
    uploads = in_the_pod(pack([definition], MOUNTS), tmp_path)
    assert files_of(uploads) == {"tuesday.csv": ORDERS}
    assert sorted(path.name for path in uploads.iterdir()) == ["shop"]


def test_several_sources_go_together_and_a_name_only_once(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(ORDERS)
    shop, store = source(tmp_path, "a.csv"), source(tmp_path, "a.csv", "store")
    (tmp_path / "s.zip").write_bytes(pack([shop, store], MOUNTS))
    sources = take(tmp_path / "s.zip", tmp_path / "home")
    assert [(one.name, entity_files(one, "order_lines")) for one in sources] == [
        (name, [tmp_path / "home" / "uploads" / name / "a.csv"]) for name in ("shop", "store")
    ]
    again = source(tmp_path / "other", "../a.csv")
    with pytest.raises(InputError, match=r"shop.yml and .*other/shop.yml both say `name: shop`"):
        pack([shop, again], MOUNTS)


def test_the_same_sources_give_the_same_bytes(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(ORDERS)
    first = pack([source(tmp_path, "a.csv")], MOUNTS)
    os.utime(tmp_path / "a.csv", (1, 1))
    assert pack([source(tmp_path, "a.csv")], MOUNTS) == first


def test_what_is_no_archive_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "s.zip").write_text("no zip")
    with pytest.raises(InputError, match="is no archive of `lakehouse submit`"):
        names_in(tmp_path / "s.zip")
