"""Source files, settings, suites and expressions that nobody meant: one sentence with the place, never a traceback."""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lakehouse.cli import main
from lakehouse.databases.declaration import DatabaseTable
from lakehouse.errors import InputError
from lakehouse.expressions import ExpressionError, check_syntax, resolve
from lakehouse.quality.suites import read_suite
from lakehouse.settings import Settings, load_settings
from lakehouse.sources import EntitySource, load_source

EXAMPLES = int(os.environ.get("LAKEHOUSE_FUZZ_EXAMPLES", "60"))
fuzzed = settings(
    max_examples=EXAMPLES,
    deadline=6000,
    derandomize="LAKEHOUSE_FUZZ_EXAMPLES" not in os.environ,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
SOURCE = """
name: shop
timezone: Europe/Berlin
currency: EUR
entities:
  products:
    key: [product_id]
    path: [x.csv, "*.csv"]
    format: csv
    delimiter: tab
    quote: "'"
    encoding: gb18030
    header: [id, name]
    compression: none
    columns: {product_id: id, title: upper(name)}
    attributes: {note: "concat(name, '-', id)"}
  ratings:
    key: [customer_id, product_id]
    path: jdbc:postgresql://db.example:5432/shop
    table: ratings
    user: reader
    password: ${SHOP_PASSWORD:-secret}
    watermark: changed_at
    overlap: 1 hour
    partition_column: id
    max_connections: 2
    columns: {customer_id: customer, product_id: product}
"""
SUITE = """
table: silver.orders
about: orders
key: [order_id]
query: select 1
rules:
  - {type: ExpectColumnValuesToNotBeNull, columns: [order_id], severity: error, owner: no key no order}
  - {type: expect_column_values_to_be_between, kwargs: {column: price, min_value: 0}, mostly: 0.9,
     row_condition: is_sale, name: p, severity: warn, owner: prices are positive}
"""
BOMB = "a: &a [x,x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{chr(98 + i)}: &{chr(98 + i)} [{','.join(['*' + chr(97 + i)] * 10)}]\n" for i in range(12)
)
ODD_YAML = {
    "bomb": BOMB + "name: shop\nentities: {products: {path: *m, columns: *m}}\n",
    "bomb as a name": BOMB + "name: *m\n",
    "bomb in a suite's rules": BOMB + "table: silver.orders\nrules: *m\n",
    "cycle": "&a\nname: *a\nentities: {products: *a}\n",
    "cycle in a list": "name: shop\nentities: {products: {path: &p [*p], columns: {product_id: id}}}\n",
    "cycle in rules": "table: silver.orders\nrules: &r [*r]\n",
    "cycle in kwargs": "table: silver.orders\n"
    "rules: [{type: x, severity: warn, owner: o, kwargs: &k {column: *k, columns: [*k]}}]",
    "python object": "name: !!python/object/apply:os.system ['exit 1']\nentities: {}\n",
    "python name": "name: shop\nentities: !!python/name:os.system\n",
    "unknown tag": "name: !mine shop\nentities: {products: !mine [1]}\n",
    "binary": "name: !!binary aGk=\ntable: !!binary aGk=\nentities: {}\n",
    "set": "name: shop\nentities: !!set {products}\n",
    "omap": "name: shop\nentities: !!omap [products: 1]\n",
    "merge": "x: &x {path: a}\nname: shop\nentities: {products: {<<: *x}}\n",
    "merge of a text": "name: shop\nentities: {products: {<<: text}}\ntable: {<<: 1}\n",
    "huge number": "name: " + "9" * 5000 + "\nentities: " + "9" * 5000 + "\n",
    "date": "name: 2024-13-45\ntable: 2024-13-45\nentities: {}\n",
    "year 0": "name: 0000-01-01\ntable: 0000-01-01\nentities: {}\n",
    "sexagesimal": "name: 190:20:30\ntable: 1:60:60\n",
    "deep lists": "name: " + "[" * 20_000,
    "deep mappings": "name: " + "{a: " * 3_000 + "1" + "}" * 3_000,
    "deep blocks": "".join(" " * i + "a:\n" for i in range(1500)),
    "many documents": "name: a\n---\nname: b\n",
    "a key that is a list": "? [a, b]\n: 1\n",
    "a key that is a mapping": "{a: 1}: 2\n",
    "null key": "~: 1\nnull: 2\n",
    "number key": "1: 2\n",
    "control characters": "name: a\x07b\n",
    "escaped control characters": 'name: "a\\x1b[31m\\nb"\ntable: "a\\n.b"\nentities: {}\n',
    "escaped surrogate": 'name: "\\ud800"\nentities: {"\\ud800": 1}\ntable: "\\ud800"\n',
    "NUL path": 'name: shop\nentities: {products: {path: "a\\0b", columns: {product_id: id}}}\n',
    "path of another user": "name: shop\nentities: {products: {path: ~nobody-here/x, columns: {product_id: id}}}\n",
    "very long path": "name: shop\nentities: {products: {path: " + "x" * 9000 + ", columns: {product_id: id}}}\n",
    "bracket path": "name: shop\nentities: {products: {path: '[[!]-]', columns: {product_id: id}}}\n",
    "unicode key": "näme: shop\nentities: {продукты: 1}\n",
    "only an alias": "*a",
    "tabs": "name:\tshop\n\tentities: {}\n",
    "directive": "%YAML 9.9\n---\nname: a\n",
}
_words = st.sampled_from(
    [
        "",
        "x",
        "id",
        "name",
        "products",
        "order_lines",
        "0",
        "-1",
        "1e999",
        "true",
        "null",
        "~",
        "*.csv",
        "a\nb",
        "\0",
        "\x1b[2J",
        "é",
        "\u202e",
        "😀",
        "'",
        '"',
        "`",
        "${HOME",
        "${X}",
        "~root",
        "/dev/zero",
        "/dev/stdin",
        "..",
        "utf-7",
        "idna",
        "undefined",
        "rot13",
        "unicode_escape",
        "punycode",
        "hex",
        "base64",
        "mbcs",
        "UTC+25",
        "../../etc/passwd",
        "Etc/GMT+99",
        "id;",
        "x" * 3000,
    ]
)
_scalars = st.one_of(
    _words,
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(10**300, 10**301),
    st.floats(),
    st.dates(),
    st.datetimes(),
    st.binary(max_size=5),
    st.text(max_size=12),
)
_values = st.recursive(
    _scalars,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.one_of(_words, st.text(max_size=5)), inner, max_size=3)
    ),
    max_leaves=6,
)


def places(content: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Where a value of the document could be another one."""
    inner = content.items() if isinstance(content, dict) else enumerate(content) if isinstance(content, list) else ()
    return [path, *(place for key, value in inner for place in places(value, (*path, key)))]


@st.composite
def spoilt(draw: Callable[..., Any], text: str) -> str:
    """The document with values, keys or bytes changed."""
    content = yaml.safe_load(text)
    for _ in range(draw(st.integers(1, 2))):
        place = draw(st.sampled_from(places(content)[1:]))
        parent = content
        for key in place[:-1]:
            parent = parent[key]
        change = draw(st.sampled_from(["value", "value", "value", "key", "gone"]))
        if change == "value" or isinstance(parent, list):
            parent[place[-1]] = draw(_values)
        elif change == "key":
            parent[draw(st.one_of(_words, st.text(max_size=8)))] = parent.pop(place[-1])
        else:
            del parent[place[-1]]
    written = yaml.dump(content, allow_unicode=True, sort_keys=False)
    if draw(st.integers(0, 3)) == 0:
        at = draw(st.integers(0, len(written)))
        written = (
            written[:at]
            + draw(st.sampled_from([":", "\t", "- ", "&a ", "*a", "!!x ", "'", '"', "{", "]", "#", "%", "\0", "\n"]))
            + written[at:]
        )
    return written


def judged(work: Callable[[], object], named: str) -> None:
    """It works, or is refused with one printable line that names the place, soon."""
    began = time.monotonic()
    try:
        work()
    except InputError as refusal:
        said = str(refusal)
        assert named in said
        assert said.isprintable(), repr(said)
        assert len(said) < 2000, said
    assert time.monotonic() - began < 6


@fuzzed
@given(text=spoilt(SOURCE))
def test_any_source_file_is_read_or_refused_in_one_sentence(tmp_path: Path, text: str) -> None:
    path = tmp_path / "source.yml"
    (tmp_path / "x.csv").write_text("id\tname\n")
    path.write_text(text, encoding="utf-8", errors="surrogatepass")
    judged(lambda: load_source(path), "source.yml")


@fuzzed
@given(content=st.binary(max_size=60))
def test_any_bytes_as_a_source_file_are_refused_in_one_sentence(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "source.yml"
    path.write_bytes(content)
    with pytest.raises(InputError):
        load_source(path)
    judged(lambda: load_source(path), "source.yml")


@fuzzed
@given(text=spoilt(SUITE))
def test_any_suite_file_is_read_or_refused_in_one_sentence(tmp_path: Path, text: str) -> None:
    path = tmp_path / "orders.yml"
    path.write_text(text, encoding="utf-8", errors="surrogatepass")
    judged(lambda: read_suite(path, "silver"), "orders.yml")


@pytest.mark.parametrize("kind", ODD_YAML)
def test_odd_yaml_is_refused_in_one_sentence_soon(tmp_path: Path, kind: str) -> None:
    for name, read in (("source.yml", load_source), ("orders.yml", lambda path: read_suite(path, "silver"))):
        path = tmp_path / name
        path.write_text(ODD_YAML[kind], encoding="utf-8")
        judged(lambda: read(path), name)  # noqa: B023


@pytest.mark.parametrize(
    "kind", ["bomb", "cycle", "python object", "deep lists", "escaped control characters", "NUL path"]
)
def test_the_command_says_so_with_exit_code_2(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "source.yml").write_text(ODD_YAML[kind], encoding="utf-8")
    monkeypatch.setattr(sys, "argv", ["lakehouse", "ingest", "--source", "source.yml"])
    assert main() == 2
    said = capsys.readouterr().err
    assert re.fullmatch(r"error: .*source\.yml.*\n", said), said


_setting = st.sampled_from(sorted(Settings.model_fields))


@fuzzed
@given(name=_setting, value=st.one_of(_words, st.text(max_size=20), st.integers().map(str)))
def test_any_value_of_a_setting_is_taken_or_refused_by_its_name(tmp_path: Path, name: str, value: str) -> None:
    value = value.replace("\0", "").encode("utf-8", "ignore").decode()
    with mock.patch.dict(
        os.environ, {f"LAKEHOUSE_{name.upper()}": value, "LAKEHOUSE_CONFIG": str(tmp_path / "no.toml")}
    ):
        judged(load_settings, name)


@fuzzed
@given(
    name=st.one_of(_setting, _words),
    value=st.sampled_from(
        [
            "1",
            "-1",
            "9" * 5000,
            "nan",
            "inf",
            "[1]",
            "{a=1}",
            "''",
            '"\\u0000"',
            '"\\ud800"',
            "2024-01-01",
            "0x",
            "'''",
            "[" * 9000,
            "true",
            '"\\u001b[2J\\n"',
            '"~nobody-here/x"',
            "{a.b.c=[[]]}",
        ]
    ),
    raw=st.one_of(st.just(b""), st.binary(max_size=12)),
)
def test_any_settings_file_is_taken_or_refused_by_its_name(tmp_path: Path, name: str, value: str, raw: bytes) -> None:
    path = tmp_path / "lakehouse.toml"
    path.write_bytes(f"{name} = {value}\n".encode("utf-8", "replace") + raw)
    with mock.patch.dict(os.environ, {"LAKEHOUSE_CONFIG": str(path)}):
        judged(load_settings, "lakehouse.toml")


_sql = st.lists(
    st.sampled_from(
        [
            "id",
            "name",
            "`a b`",
            "`",
            "'",
            '"',
            "(",
            ")",
            "((",
            ",",
            " ",
            "+",
            "-",
            "*",
            "/",
            "||",
            "upper",
            "case when",
            "then",
            "end",
            "cast",
            "as",
            "int",
            "select",
            "from",
            "x",
            ";",
            "--",
            "/*",
            "*/",
            "1",
            "1e9999",
            "9" * 400,
            "{{",
            "}}",
            "${X}",
            "is null",
            "in",
            "over",
            "partition by",
            "->",
            "=>",
            ":",
            "::",
            "[0]",
            ".",
            "..",
            "@",
            "$",
            "\\",
            "\n",
            "\0",
            "é",
            "😀",
            "interval",
            "array",
            "map",
            "struct",
            "lambda",
            "exists",
            "with",
            "union",
            "not",
            "distinct",
            "sum(",
            "X'",
            "b'",
            "0x",
        ]
    ),
    max_size=9,
).map(" ".join)


@fuzzed
@given(text=st.one_of(_sql, st.text(max_size=25)))
def test_any_expression_is_resolved_or_refused(text: str) -> None:
    for read in (check_syntax, lambda given: resolve(given, {"id": "id", "name": "name", "a b": "a_b"})):
        with suppress(ExpressionError):
            read(text)


@pytest.mark.parametrize(
    "text",
    [
        "(" * 5000 + "id" + ")" * 5000,
        "-" * 5000 + "1",
        "not " * 5000 + "true",
        "id" + "+1" * 20_000,
        "case when " * 2000,
        "a." * 5000 + "b",
        "[" * 5000,
        "upper(" * 3000 + "id",
    ],
)
def test_an_expression_nested_without_end_is_refused(text: str) -> None:
    began = time.monotonic()
    with pytest.raises(ExpressionError):
        resolve(text, {"id": "id"})
    assert time.monotonic() - began < 5


def test_every_option_of_an_entity_is_fuzzed() -> None:
    entities = yaml.safe_load(SOURCE)["entities"]
    assert set(entities["products"]) == set(EntitySource.model_fields) - {"database"}
    of_a_table = set(entities["ratings"]) - set(EntitySource.model_fields)
    assert of_a_table == set(DatabaseTable.model_fields) - {"url", "query", "password_file"}  # one of two, each
