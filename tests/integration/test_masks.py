"""The masks that landing makes: each against the same in SQL, asked of Sail and of Spark, on whatever text."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jinja2 import Environment

from lakehouse.engine.sail import close_sail, open_sail, spark_types
from lakehouse.privacy import masks
from lakehouse.session import rows_over
from lakehouse.settings import CHECKOUT, Settings
from tests.conftest import use_home

MASKS = {
    "masked_phone": ("parse_phone", "masked_phone"),
    "masked_email": ("parse_email", "masked_email"),
    "masked_name": ("masked_name",),
    "given_name": ("given_name",),
    "district_of": ("district_of",),
    "phone": ("parse_phone",),
    "email": ("parse_email",),
}
"""A mask -> the macros whose calls, one around the other, are the same in SQL."""
CASES: dict[str, dict[str | None, str | None]] = {
    "masked_phone": {
        "+8613812345678": "138****5678",
        "138-1234-5678": "138****5678",
        "+44 20 7946 0958": "+44****0958",
        "+862112345678": "+86****5678",
        "+4412345": "+44****45",
        "+4412345678": "+44****5678",
        "none": None,
        None: None,
    },
    "masked_email": {
        " Anne@Example.com": "a***@example.com",
        "ann@example.com": "a***@example.com",
        "an@example.com": "***@example.com",
        "a@x.cn": "***@x.cn",
        "a b@x.cn": "***@x.cn",
        "anne@example": None,
        "\u0130nn@x.cn": None,
        "\u212ann@x.cn": "k***@x.cn",
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
        "·": "**",
        " \u3000": None,
        None: None,
    },
    "given_name": {
        "王 芳": "芳",
        "欧阳子涵": "子涵",
        "欧阳": "阳",
        " Émile  Zola": "émile",
        "Smith, Emma": None,
        "Madonna": None,
        "\u0130pek Kaya": None,
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
PLACES = {"31.2304": 31.23, "-33.8688": -33.87, "1.214737e2": 121.47, "90": 90.0, "-180.0": -180.0, "+0.0": 0.0}
YEARS = {
    "1980-02-03": "1980", "1982/2/3 10:00": "1982", "03-Feb-1984": "1984", "19861231": "1986", "1234567890": "2009",
    "1880-01-01": None, "1980-02-30": None, "31.12.1980": None, "1980": None, "": None,
}  # fmt: skip
# `$` of Java is also before these at the end of a text, that of Sail is not.
ANY = st.characters(exclude_categories=("Cs",), exclude_characters="\x00\u0085\u2028\u2029")
HAN = st.sampled_from("王芳欧阳子涵省市区县路号小社园自治州盟旗上海浙江杭")
LIKELY = st.one_of(
    st.text(ANY, max_size=20),
    st.text(st.one_of(HAN, ANY), max_size=12),
    st.text(HAN, max_size=14),
    st.text(st.sampled_from("0123456789+-() \u00a086"), max_size=18),
    st.text(st.sampled_from("abAB@@..-_%+ \u0130\u212a"), max_size=14),
    st.text(st.sampled_from("abcÉéßŸ \u0130,·\u3000'-"), max_size=14),
)


def in_sql(mask: str) -> str:
    """What the macros of masks.sql return for column `v`, without dbt."""
    said: list[str] = []

    def give_back(value: str) -> str:
        said.append(value)
        return value

    text = (Path(__file__).with_name("masks.sql")).read_text(encoding="utf-8")
    # A macro that another one calls returns its text; to print it is the same, for none has blanks around it.
    environment = Environment(trim_blocks=True, lstrip_blocks=True)
    module: Any = environment.from_string(text, globals={"return": give_back}).module
    argument = "v"
    for macro in ("tidy", *MASKS[mask]):
        getattr(module, macro)(argument)
        argument = said[-1]
    return argument


def cell_of(column: str) -> str:
    """The one mask that SQL has still, for coordinates of visits."""
    text = (CHECKOUT / "dbt_project" / "macros" / "masks.sql").read_text(encoding="utf-8")
    said: list[str] = []
    module: Any = Environment().from_string(text, globals={"return": lambda value: said.append(value) or value}).module
    module.cell_of(column)
    return said[-1]


def rows_of(values: list[str | None]) -> pa.Table:
    return pa.table({"place": pa.array(range(len(values)), pa.int64()), "v": pa.array(values, pa.string())})


@pytest.fixture(scope="module")
def sail_settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    yield Settings(home=tmp_path_factory.mktemp("masks"))
    close_sail()


def of_sail(of: Settings, values: list[str | None]) -> list[list[str | None]]:
    answer = open_sail(of).rows_over("texts", rows_of(values), asked("texts")).sort_by("place")
    return [answer[name].to_pylist() for name in MASKS]


def asked(table: str) -> str:
    return f"select place, {', '.join(f'{in_sql(mask)} as {mask}' for mask in MASKS)} from {table}"


def by_arrow(values: list[str | None]) -> list[list[str | None]]:
    column = pa.array(values, pa.string())
    return [getattr(masks, name)(column).to_pylist() for name in MASKS]


@pytest.mark.parametrize("mask", CASES)
def test_a_mask_is_what_it_is_said_to_be(mask: str) -> None:
    given = pa.array(list(CASES[mask]), pa.string())
    assert getattr(masks, mask)(given).to_pylist() == list(CASES[mask].values())


@settings(max_examples=15, deadline=None)
@given(st.lists(st.one_of(st.none(), LIKELY), min_size=100, max_size=100))
def test_masks_are_those_of_sql_on_every_text(sail_settings: Settings, values: list[str | None]) -> None:
    assert by_arrow(values) == of_sail(sail_settings, values)


@settings(max_examples=2, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(LIKELY, min_size=300, max_size=300))
def test_masks_are_those_of_sql_in_spark_too(spark: Any, home_settings: Settings, values: list[str | None]) -> None:
    use_home(spark, home_settings)
    rows = rows_of([*values, *(value for cases in CASES.values() for value in cases)])
    answer = rows_over(home_settings, "texts", rows, spark_types(rows.schema), asked("texts")).sort_by("place")
    given = rows["v"].to_pylist()
    assert [answer[name].to_pylist() for name in MASKS] == by_arrow(given)


@given(LIKELY)
def test_no_mask_gives_a_value_back_whole(value: str) -> None:
    column = pa.array([value], pa.string())
    tidied = masks.tidy(column)[0].as_py()
    for name in ("masked_phone", "masked_email", "masked_name", "hidden"):
        shown = getattr(masks, name)(column)[0].as_py()
        assert shown is None or shown != tidied or set(shown) <= {"*"}


def test_a_place_is_the_edge_of_its_cell_as_sql_has_it(sail_settings: Settings) -> None:
    made = masks.cell_of(pa.array([*PLACES, "x", "NaN", "", None], pa.string())).to_pylist()
    assert [None if text is None else float(text) for text in made] == [*PLACES.values(), None, None, None, None]
    sql = f"select place, {cell_of('cast(v as double)')} as cell from places"
    by_sail = open_sail(sail_settings).rows_over("places", rows_of(list(PLACES)), sql).sort_by("place")
    assert by_sail["cell"].to_pylist() == list(PLACES.values())


def test_of_a_birthday_the_year_is_shown() -> None:
    assert masks.year_of(pa.array(list(YEARS), pa.string())).to_pylist() == list(YEARS.values())


def test_a_number_has_one_form_however_it_is_written() -> None:
    written = ["+44 (0)20 7946 0958", "0044 20 7946 0958", "138-0013-8000", "+86 13800138000", "12", None]
    assert masks.e164(pa.array(written, pa.string())).to_pylist() == [
        *["+442079460958"] * 2, *["+8613800138000"] * 2, None, None,
    ]  # fmt: skip
