"""A bad file that is gone can be left out; one that is still there cannot, since it would land again."""

from __future__ import annotations

import pytest
from landing_shop import Shop

from lakehouse.bronze import withdraw
from lakehouse.errors import InputError

GOOD, BAD = "id,name\n1,a\n2,b\n", "id,name\n3,?\n"


def test_a_file_that_is_gone_is_current_no_longer_and_its_rows_stay_in_bronze(shop: Shop) -> None:
    shop.write("good.csv", GOOD)
    bad = shop.write("bad.csv", BAD)
    shop.land("*.csv")
    bad.unlink()
    withdrawn = withdraw(shop.settings, "bad.csv")
    assert [(row["file"], row["rows_landed"]) for row in withdrawn] == [("bad.csv", 1)]
    assert [(row["file"], row["is_current"]) for row in shop.loads()] == [("bad.csv", False), ("good.csv", True)]
    assert len(shop.rows()) == 3
    assert shop.land("*.csv") == []


def test_a_batch_is_named_by_its_id_too_and_may_come_back(shop: Shop) -> None:
    bad = shop.write("bad.csv", BAD)
    (load,) = shop.land("bad.csv")
    bad.rename(shop.folder / "elsewhere")
    withdraw(shop.settings, load.batch_id)
    shop.write("again.csv", BAD)
    shop.land("*.csv")
    assert [row["file"] for row in shop.loads() if row["is_current"]] == ["again.csv"]


def test_a_file_that_is_still_there_is_not_withdrawn(shop: Shop) -> None:
    shop.write("bad.csv", BAD)
    shop.land("*.csv")
    with pytest.raises(InputError, match=r"bad\.csv is still there .* correct it in place"):
        withdraw(shop.settings, "bad.csv")
    assert all(row["is_current"] for row in shop.loads())


def test_an_unknown_name_says_how_to_list_the_known_ones(shop: Shop) -> None:
    shop.write("x.csv", GOOD)
    shop.land("*.csv")
    with pytest.raises(InputError, match="where is_current"):
        withdraw(shop.settings, "y.csv")
