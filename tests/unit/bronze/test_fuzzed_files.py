"""A fixed set of mutated files through bronze: every row accounted for, every refusal one sentence.

`make fuzz` feeds 5,200 others.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fuzz.account import Found, account_of_csv, account_of_json, footer_rows
from tests.fuzz.cases import make_case
from tests.fuzz.feeding import feed_all

SEED = 7


def test_no_row_of_mutated_files_is_lost_and_every_refusal_is_one_sentence(tmp_path: Path) -> None:
    outcomes = list(feed_all(tmp_path, SEED, range(45)))
    assert [(o.number, o.kind, fault) for o in outcomes for fault in o.faults] == []
    assert sum(o.rows for o in outcomes) == sum(o.landed + o.quarantined for o in outcomes) > 1000
    assert {"landed", "refused"} == {o.state for o in outcomes}
    assert len({o.kind for o in outcomes}) > 20


def test_a_case_is_the_same_whenever_it_is_made() -> None:
    for number in range(30):
        one, other = make_case(SEED, number), make_case(SEED, number)
        assert (one.kind, one.path, one.options, one.text) == (other.kind, other.path, other.options, other.text)


CSV = b'id,n\n1,a\n2,"b\nc"\n3\n'
LANDED = {1: {"id": "1", "n": "a"}, 2: {"id": "2", "n": "b\nc"}}


@pytest.mark.parametrize(
    ("landed", "quarantined", "said"),
    [
        (LANDED, {3: ("wrong_field_count", "3")}, ""),
        (LANDED, {}, "row 3 (line 5): lost"),
        ({1: LANDED[1], 2: {"id": "2", "n": "b"}}, {3: ("wrong_field_count", "3")}, "row 2 (line 3): landed as"),
        ({2: LANDED[2]}, {1: ("undecodable_bytes", "1,a"), 3: ("wrong_field_count", "3")}, "although it reads"),
        ({**LANDED, 3: {"id": "3", "n": None}}, {}, "row 3 (line 5): landed as"),
        (LANDED, {3: ("wrong_field_count", "4")}, "quarantined as"),
    ],
)
def test_the_account_finds_what_is_lost_changed_or_wrongly_refused(
    landed: dict[int, dict[str, str | None]], quarantined: dict[int, tuple[str, str]], said: str
) -> None:
    account = account_of_csv(CSV, {}, Found(landed, quarantined, ["id", "n"]))
    assert (account.faults == [] and account.rows == 3) if said == "" else said in account.faults[0]


def test_the_account_of_json_tells_numbers_by_their_text() -> None:
    content = b'{"id":1.50}\n\nx\n'
    right = Found({1: {"id": "1.50"}}, {2: ("invalid_json", "x")}, ["id"])
    assert (account_of_json(content, {}, right).faults, account_of_json(content, {}, right).rows) == ([], 2)
    wrong = Found({1: {"id": "1.5"}}, {2: ("invalid_json", "x")}, ["id"])
    assert "landed as" in account_of_json(content, {}, wrong).faults[0]


def test_the_footer_is_read_by_hand(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.table({"a": range(12_345), "b": [[{"c": None}]] * 12_345}), tmp_path / "x.parquet")
    assert footer_rows((tmp_path / "x.parquet").read_bytes()) == 12_345
    assert footer_rows(b"PAR1 is not all") is None
