"""A name or an expression: told apart by the file's columns, checked without Spark."""

from __future__ import annotations

import pytest

from lakehouse.expressions import ExpressionError, check_syntax, close_matches, resolve

STORED = {
    "Customer ID": "Customer_ID",
    "InvoiceNo": "InvoiceNo",
    "timestamp": "timestamp",
    "Order-No.": "Order-No.",
    "user.name": "user.name",
    "Qty": "qty",
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("InvoiceNo", "`InvoiceNo`"),
        ("invoiceno", "`InvoiceNo`"),
        ("Customer ID", "`Customer_ID`"),
        ("Order-No.", "`Order-No.`"),
        ("user.name", "`user.name`"),
        ("Qty", "`qty`"),
        ("_row_number", "`_row_number`"),
        ("concat(_file, '-', _row_number)", "concat(_file, '-', _row_number)"),
        ("to_timestamp(InvoiceNo, 'M/d/yyyy H:mm')", "to_timestamp(InvoiceNo, 'M/d/yyyy H:mm')"),
        ("timestamp_seconds(cast(timestamp as bigint))", "timestamp_seconds(cast(timestamp as bigint))"),
        ("upper(`Customer ID`) || Qty || `user.name`", "upper(`Customer_ID`) || `qty` || `user.name`"),
        ("transform(split(Qty, ','), e -> e + 1)[0]", "transform(split(`qty`, ','), e -> e + 1)[0]"),
        (
            "case when InvoiceNo like 'Qty%' then \"Qty\" end",
            "case when InvoiceNo like 'Qty%' then \"Qty\" end",
        ),
        ("'mail'", "'mail'"),
        ("false", "false"),
        ("1", "1"),
    ],
)
def test_text_becomes_an_expression_over_stored_columns(text: str, expected: str) -> None:
    assert resolve(text, STORED) == expected


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Custmer ID", "the file has no column `Custmer ID`; did you mean `Customer ID`?"),
        ("upper(Invoice)", "the file has no column `Invoice`; did you mean `InvoiceNo`?"),
        ("xyz + abc", "the file has no column `xyz`, `abc`; it has Customer ID, InvoiceNo"),
        ("upper(InvoiceNo", "does not parse at character"),
        ("'open", "an open quote?"),
        ("sum(Qty)", "uses the aggregate sum()"),
        ("InvoiceNo, Qty", "must be one expression"),
        ("1 from x", "must be one expression"),
        ("(select 1)", "not `*` or a query"),
        ("upper(Qty) -- note", "holds a SQL comment"),
        ("", "is empty"),
    ],
)
def test_what_cannot_be_computed_is_refused_with_the_reason(text: str, said: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        resolve(text, STORED)
    assert said in str(caught.value)


def test_before_the_header_is_known_a_name_gets_the_benefit_of_the_doubt() -> None:
    check_syntax("Order No.")
    check_syntax("Customer ID")
    with pytest.raises(ExpressionError, match="does not parse at character 16"):
        check_syntax("upper(InvoiceNo,")


def test_close_matches_overlook_case_and_underscores() -> None:
    assert close_matches("orderlines", ["order_lines", "events"]) == "; did you mean `order_lines`?"
    assert close_matches("zzz", ["order_lines"]) == ""
