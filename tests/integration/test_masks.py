"""The masks of silver: what each makes of a value, in Sail and in Spark, and that none gives a value back whole."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import pytest
from jinja2 import Environment

from lakehouse.engine.sail import close_sail, open_sail
from lakehouse.settings import CHECKOUT, Settings

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

CASES: dict[str, dict[str | None, str | None]] = {
    "masked_phone": {
        "+8613812345678": "138****5678",
        "+442079460958": "+44****0958",
        "+862112345678": "+86****5678",
        "+4412345": "+44****45",
        None: None,
    },
    "masked_email": {
        "anne@example.com": "a***@example.com",
        "ann@example.com": "a***@example.com",
        "an@example.com": "***@example.com",
        "a@x.cn": "***@x.cn",
        None: None,
    },
    "masked_name": {
        "王芳": "**芳",
        "王 芳": "**芳",
        "欧阳子涵": "**涵",
        "芳": "**",
        " Émile  Zola": "É**",
        "Smith, Emma": "S**",
        "X": "**",
        "阿里Ali": "阿**",
        None: None,
    },
    "given_name": {
        "王 芳": "芳",
        "欧阳子涵": "子涵",
        "欧阳": "阳",
        " Émile  Zola": "émile",
        "Smith, Emma": None,
        "Madonna": None,
        None: None,
    },
    "district_of": {
        "上海市南京路12号101室": "上海市",
        "浙江省杭州市西湖区文三路9号": "浙江省杭州市西湖区",
        "上海市浦东新区世纪大道1号": "上海市浦东新区",
        "北京市阳光小区3栋": "北京市",
        "广西壮族自治区桂林市阳朔县西街1号": "广西壮族自治区桂林市阳朔县",
        "内蒙古自治区锡林郭勒盟正蓝旗1号": "内蒙古自治区锡林郭勒盟",
        "南京路12号101室": None,
        "12 Baker Street": None,
        None: None,
    },
}
PLACES = {31.2304: 31.23, -33.8688: -33.87, 121.4737: 121.47, 90.0: 90.0, -180.0: -180.0, 0.0: 0.0, None: None}


def masked(macro: str, column: str) -> str:
    """The SQL that a macro of masks.sql returns, without dbt."""
    said: list[str] = []

    def give_back(value: str) -> str:
        said.append(value)
        return value

    text = (CHECKOUT / "dbt_project" / "macros" / "masks.sql").read_text(encoding="utf-8")
    # A macro that another one calls returns its text; to print it is the same, for none has blanks around it.
    environment = Environment(trim_blocks=True, lstrip_blocks=True)
    module = environment.from_string(text, globals={"return": give_back, "var": lambda name, default: default}).module
    getattr(module, macro)(column)
    return said[-1]


def answers(home_spark: SparkSession, settings: Settings, sql: str) -> tuple[list[Any], list[Any]]:
    by_spark = [row["masked"] for row in home_spark.sql(sql).collect()]
    by_sail = open_sail(settings).rows(sql)["masked"].to_pylist()
    close_sail()
    return by_spark, by_sail


def literals(values: Sequence[Any]) -> str:
    told = ["null" if value is None else f"'{value}'" if isinstance(value, str) else f"{value}D" for value in values]
    return ", ".join(f"({place}, {text})" for place, text in enumerate(told))


@pytest.mark.parametrize("macro", CASES)
def test_a_mask_is_the_same_in_both_engines(home_spark: SparkSession, home_settings: Settings, macro: str) -> None:
    given = literals(list(CASES[macro]))
    sql = f"select {masked(macro, 'v')} as masked from (values {given}) as t (place, v) order by place"
    by_spark, by_sail = answers(home_spark, home_settings, sql)
    assert by_spark == by_sail == list(CASES[macro].values())


def test_a_place_is_the_edge_of_its_cell_in_both_engines(home_spark: SparkSession, home_settings: Settings) -> None:
    given = literals(list(PLACES))
    sql = f"select {masked('cell_of', 'v')} as masked from (values {given}) as t (place, v) order by place"
    by_spark, by_sail = answers(home_spark, home_settings, sql)
    assert by_spark == by_sail == list(PLACES.values())


@pytest.mark.parametrize("macro", [name for name in CASES if name.startswith("masked_")])
def test_no_mask_gives_a_value_back_whole(macro: str) -> None:
    assert not [value for value, shown in CASES[macro].items() if value is not None and value in (shown or "")]
