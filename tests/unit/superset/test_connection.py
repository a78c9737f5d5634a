"""An address with its password apart."""

from __future__ import annotations

import pytest

from lakehouse.errors import InputError
from lakehouse.superset.connection import Connection


def test_the_password_is_in_the_address_that_is_tried_and_masked_in_the_file() -> None:
    one = Connection("spark://anna@host:10000/gold?tls=verify&ca=/ca.crt", "a/b@c:d")
    assert one.uri == "spark://anna:a%2Fb%40c%3Ad@host:10000/gold?tls=verify&ca=/ca.crt"
    assert one.masked_uri == "spark://anna:XXXXXXXXXX@host:10000/gold?tls=verify&ca=/ca.crt"
    assert "a/b@c:d" not in repr(one)


def test_without_a_password_the_address_is_as_given() -> None:
    one = Connection("spark://anna@host:10000/gold")
    assert one.uri == one.masked_uri == "spark://anna@host:10000/gold"


def test_hive_is_told_to_read_weeks_in_the_older_way() -> None:
    assert Connection("spark://anna@host:1/gold").extra == {}
    told = Connection("hive://anna@host:1/gold?auth=CUSTOM").extra["engine_params"]["connect_args"]["configuration"]
    assert told == {"spark.sql.legacy.timeParserPolicy": "LEGACY"}


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("postgresql://anna@host:1/gold", "is no address like"),
        ("spark://host/gold", "is no address like"),
        ("spark://anna@host:port/gold", "is no address like"),
        ("nonsense", "is no address like"),
        ("spark://anna:secret@host:1/gold", "leave the password out"),
        ("spark://host:1/gold", "has no user"),
    ],
)
def test_an_address_that_cannot_be_used_is_told(address: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        Connection(address, "secret")
