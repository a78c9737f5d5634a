"""Casts that would stop a query of Sail's are told from those that give null by themselves."""

import pytest

from lakehouse.engine.casts import forgiving


@pytest.mark.parametrize(
    ("sql", "told"),
    [
        ("select cast(a as double)", "select try_cast(a as double)"),
        ("select CAST(a as decimal(24, 4)) as b", "select try_CAST(a as decimal(24, 4)) as b"),
        ("cast(cast(x as decimal(9,2)) as int)", "try_cast(try_cast(x as decimal(9,2)) as int)"),
        ("cast(a as double) + cast(x as int)", "try_cast(a as double) + cast(x as int)"),
        ("cast(cast(x as timestamp) as bigint)", "try_cast(cast(x as timestamp) as bigint)"),
        ("cast(map('a as double)', x) as map<string, string>)", "cast(map('a as double)', x) as map<string, string>)"),
        ("'cast(a as double)'", "'cast(a as double)'"),
        ("'it\\'s cast(' || cast(a as boolean)", "'it\\'s cast(' || try_cast(a as boolean)"),
        ("try_cast(a as double)", "try_cast(a as double)"),
        ("cast(`a as double)` as string)", "cast(`a as double)` as string)"),
        ("select struct(a as double, b) from x", "select struct(a as double, b) from x"),
        ("(select (a) as b from cast)", "(select (a) as b from cast)"),
    ],
)
def test_only_casts_that_stop_are_told_otherwise(sql: str, told: str) -> None:
    assert forgiving(sql) == told
