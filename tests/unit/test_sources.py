"""Source files: what is written, and one sentence for each way to write it wrongly."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from lakehouse.entities import ENTITIES
from lakehouse.errors import InputError
from lakehouse.settings import load_settings
from lakehouse.sources import entity_files, expand_variables, load_source, remember, remembered_sources

GOOD = """
    name: my_shop
    timezone: Asia/Shanghai
    currency: CNY
    entities:
      order_lines:
        key: [order_id, line_number]
        path: exports/orders-*.csv.gz
        delimiter: tab
        encoding: gb18030
        header: [no, line, who]
        columns:
          order_id: no
          line_number: line
          customer_id: who
          is_cancelled: false
          quantity: 1
        attributes: {note: upper(no)}
"""


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "source.yml"
    path.write_text(dedent(text), encoding="utf-8")
    return path


@pytest.fixture
def orders(tmp_path: Path) -> Path:
    (tmp_path / "exports").mkdir()
    for name in ("orders-2.csv.gz", "orders-1.csv.gz"):
        (tmp_path / "exports" / name).touch()
    return tmp_path


def test_a_source_file_is_read_as_it_is_written(orders: Path) -> None:
    source = load_source(write(orders, GOOD))
    lines = source.entities["order_lines"]
    assert (source.name, source.timezone, source.currency, source.folder) == (
        "my_shop",
        "Asia/Shanghai",
        "CNY",
        orders,
    )
    assert lines.key == ("order_id", "line_number")
    assert (lines.delimiter, lines.encoding, lines.header) == ("\t", "gb18030", ("no", "line", "who"))
    assert lines.columns["is_cancelled"] == "false"
    assert lines.columns["quantity"] == "1"
    assert lines.attributes == {"note": "upper(no)"}
    assert [path.name for path in entity_files(source, "order_lines")] == [
        "orders-1.csv.gz",
        "orders-2.csv.gz",
    ]


def test_what_is_not_said_has_a_default(tmp_path: Path) -> None:
    (tmp_path / "x.csv").touch()
    text = "name: a\nentities:\n  products:\n    path: x.csv\n    columns: {product_id: id}\n"
    source = load_source(write(tmp_path, text))
    products = source.entities["products"]
    assert (source.timezone, source.currency, products.key, products.header) == ("UTC", None, (), True)
    assert (products.format, products.delimiter, products.quote) == (None, None, '"')


def test_a_home_remembers_a_source_whole(orders: Path) -> None:
    source = load_source(write(orders, GOOD))
    settings = load_settings(home=orders / "home")
    assert remembered_sources(settings) == []
    remember(settings, source)
    assert remembered_sources(settings) == [source]


def test_variables_in_paths(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SHOP_DATA", raising=False)
    assert expand_variables("${SHOP_DATA:-../data}/x.csv") == "../data/x.csv"
    with pytest.raises(InputError, match="the variable SHOP_DATA in .* is not set"):
        expand_variables("${SHOP_DATA}/x.csv")
    monkeypatch.setenv("SHOP_DATA", "/mnt")
    assert expand_variables("${SHOP_DATA:-../data}/${SHOP_DATA}") == "/mnt//mnt"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("name: my_shop", "name: My Shop"), "`name: My Shop` must be lower-case letters"),
        (("name: my_shop", "nme: my_shop"), "unknown setting `nme`; did you mean `name`?"),
        (("Asia/Shanghai", "Asia/Shangai"), "unknown time zone `Asia/Shangai`; did you mean `Asia/Shanghai`"),
        (("currency: CNY", "currency: yuan"), "`currency: yuan` must be an ISO 4217 code"),
        (("order_lines:", "orderlines:"), "unknown entity `orderlines`; did you mean `order_lines`?"),
        (
            ("customer_id: who", "custmer_id: who"),
            "order_lines: unknown column `custmer_id`; did you mean `customer_id`",
        ),
        (("customer_id: who", "colour: who"), "keep anything else under `attributes:`"),
        (("line_number: line", ""), "the key column `line_number` is missing from `columns:`"),
        (("order_id: no", "discount_amount: no"), "the key column `order_id` is missing from `columns:`"),
        (
            ("key: [order_id, line_number]", "key: [orderid]"),
            "unknown key column `orderid`; did you mean `order_id`",
        ),
        (("upper(no)", "'upper(no'"), "attribute note: `upper(no` does not parse at character"),
        (
            ("customer_id: who", "customer_id: sum(who)"),
            "column customer_id: `sum(who)` uses the aggregate sum()",
        ),
        (("customer_id: who", "customer_id: [who]"), "must be a column or an expression, not a list"),
        (("customer_id: who", "order_id: who"), "line 15: the key `order_id` appears twice"),
        (("orders-*", "invoices-*"), "order_lines: no file matches `exports/invoices-*.csv.gz`"),
        (
            ("exports/orders-*.csv.gz", "exports"),
            "`exports` is a folder; name the files in it, as exports/*.csv",
        ),
        (("path: exports/orders-*.csv.gz", ""), "order_lines: `path:` is missing"),
        (("delimiter: tab", "delimiter: '::'"), "must be one character, or tab"),
        (("delimiter: tab", "quote: '<>'"), "`quote: <>` must be one character"),
        (("delimiter: tab", "format: xlsx"), "unknown format `xlsx`; known are csv, json, parquet, delta"),
        (("delimiter: tab", "delimeter: tab"), "unknown setting `delimeter`; did you mean `delimiter`"),
        (("gb18030", "gb-18o30"), "unknown encoding `gb-18o30`"),
        (("[no, line, who]", "maybe"), "`header: maybe` must be true, false or a list of names"),
        (("currency: CNY", "currency: [CNY"), "line 5: not valid YAML"),
        (("currency: CNY", "\tcurrency: CNY"), "line 4: not valid YAML"),
        (("entities:", "entitys:"), "unknown setting `entitys`; did you mean `entities`?"),
    ],
)
def test_a_mistake_is_one_sentence_that_says_where_and_what(orders: Path, change: tuple[str, str], said: str) -> None:
    path = write(orders, GOOD.replace(*change))
    with pytest.raises(InputError) as caught:
        load_source(path)
    message = str(caught.value)
    assert said in message
    assert message.startswith(f"source file {path}")
    assert "\n" not in message


def test_files_that_are_no_source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match=r"nowhere\.yml does not exist"):
        load_source(tmp_path / "nowhere.yml")
    with pytest.raises(InputError, match="is a folder; name the YAML file in it"):
        load_source(tmp_path)
    with pytest.raises(InputError, match="must be a mapping with `name:` and `entities:`"):
        load_source(write(tmp_path, "- a\n- b\n"))
    (tmp_path / "source.yml").write_bytes(b"name: \xff\n")
    with pytest.raises(InputError, match=r"is not UTF-8 text \(byte 6\)"):
        load_source(tmp_path / "source.yml")

    def refused(*_: object, **__: object) -> str:
        raise PermissionError

    monkeypatch.setattr(Path, "read_text", refused)
    with pytest.raises(InputError, match="cannot be read: permission denied"):
        load_source(tmp_path / "source.yml")


def test_the_catalogue_names_its_columns_by_the_rules() -> None:
    for entity in ENTITIES.values():
        assert set(entity.key) <= set(entity.columns)
        for name, column in entity.columns.items():
            if name.endswith("_amount"):
                assert column.type == "decimal(18,2)"
            if name.endswith("_at"):
                assert column.type == "timestamp"
            if name.endswith("_on"):
                assert column.type == "date"
            if name.endswith("_id"):
                assert column.type == "string"
            if name.startswith("is_"):
                assert column.type == "boolean"
    assert len(ENTITIES) == 20


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("delimiter: tab", "delimiter: []", "`delimiter: []` must be one character, or tab"),
        ("encoding: gb18030", "encoding: undefined", "unknown encoding `undefined`"),
        ("encoding: gb18030", "encoding: unicode_escape", "unknown encoding `unicode_escape`"),
        ("encoding: gb18030", "encoding: [a]", "unknown encoding"),
        ("encoding: gb18030", "encoding: []", "unknown encoding"),
    ],
)
def test_odd_options_of_a_file_are_refused_by_name(tmp_path: Path, old: str, new: str, said: str) -> None:
    assert old in GOOD
    with pytest.raises(InputError) as caught:
        load_source(write(tmp_path, GOOD.replace(old, new)))
    assert said in str(caught.value)
