"""The small pieces that the generator is made of."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from lakehouse.synth.arrays import pick, pick_per_row, position_in_group, rank_in_group
from lakehouse.synth.customer_files import invalid_email, phone_variant
from lakehouse.synth.defects import KINDS, Ledger, copies_order, cut
from lakehouse.synth.event_files import zoned_time
from lakehouse.synth.keys import scrambled
from lakehouse.synth.order_files import month_name_time, slash_time
from lakehouse.synth.seasons import fire, make_calendar
from lakehouse.synth.writing import money, numbered, quoted, texts, times, utc_times

FOURTH_OF_MARCH = 1741079117  # 2025-03-04 09:05:17 on the wall clock


def test_positions_and_ranks_start_at_zero_in_every_group():
    assert position_in_group(np.array([2, 0, 3])).tolist() == [0, 1, 0, 1, 2]
    assert rank_in_group(np.array([1, 0, 1, 1]), np.array([0.1, 9.0, 0.5, 0.3])).tolist() == [2, 0, 0, 1]


def test_weights_of_zero_are_never_picked():
    rng = np.random.default_rng(0)
    assert set(pick(rng, np.array([0.0, 2.0, 0.0, 1.0, 0.0]), 500).tolist()) == {1, 3}
    assert set(pick_per_row(rng, np.tile([0.0, 1.0, 0.0], (50, 1))).tolist()) == {1}


def test_a_time_in_its_written_forms():
    at = np.array([FOURTH_OF_MARCH])
    assert times(at).to_pylist() == ["2025-03-04 09:05:17"]
    assert utc_times(at).to_pylist() == ["2025-03-04T01:05:17Z"]
    assert slash_time(FOURTH_OF_MARCH) == "2025/3/4 9:05"
    assert month_name_time(FOURTH_OF_MARCH) == "04-Mar-2025 09:05:17"
    assert [zoned_time(FOURTH_OF_MARCH, form) for form in range(3)] == [
        "2025-03-04T09:05:17+08:00",
        "2025-03-04T01:05:17Z",
        "2025-03-03T20:05:17-05:00",
    ]


def test_money_keys_and_quotes_as_text():
    assert money(np.array([0.0, 12.5, -3.07])).to_pylist() == ["0.00", "12.50", "-3.07"]
    assert numbered("C", np.array([1, 9999999]), 7).to_pylist() == ["C0000001", "C9999999"]
    assert quoted(texts(["plain", "a, b", 'the "x"'])).to_pylist() == ["plain", '"a, b"', '"the ""x"""']


def test_scrambled_numbers_are_distinct():
    assert len(set(scrambled(np.arange(50_000), 9).tolist())) == 50_000


def test_phone_and_email_variants():
    assert [phone_variant("13812345678", form) for form in range(4)] == [
        "+86 138-1234-5678",
        "(138) 1234-5678",
        "008613812345678",
        "138 1234 5678",
    ]
    assert invalid_email("a.b@example.com", 0) == "a.bexample.com"


def test_a_cut_line_keeps_its_first_two_fields_and_loses_at_least_two():
    rng = np.random.default_rng(0)
    for _ in range(50):
        [line] = cut(["a,b,c,d,e,f"], rng, ",")
        assert line.startswith("a,b,")
        assert line.count(",") <= 3


def test_copies_come_after_their_originals_and_the_others_keep_their_order():
    order = copies_order(5, np.array([1, 4]), np.array([2, 3])).tolist()
    assert [row for row in order if row < 5] == [0, 1, 2, 3, 4]
    assert order.index(5) > order.index(1)
    assert order.index(6) > order.index(4)


def test_quotas_over_many_small_blocks_meet_the_rate_as_one_block_does():
    blocks, whole = Ledger(np.random.default_rng(0)), Ledger(np.random.default_rng(0))
    for _ in range(50):
        blocks.choose("events", 100)
    whole.choose("events", 5000)
    assert blocks.planted == whole.planted
    assert all(count >= 1 for count in blocks.planted.values())


def test_a_row_is_chosen_for_one_kind_only():
    chosen = Ledger(np.random.default_rng(0)).choose("order_lines", 10_000)
    rows = np.concatenate(list(chosen.values()))
    assert len(rows) == len(set(rows.tolist()))
    assert len(chosen) == len([k for k in KINDS if k.entity == "order_lines"])


def test_a_process_fires_at_its_rate_inside_its_interval():
    calendar = make_calendar(date(2025, 12, 31), 365)
    people = 2000
    who, day = fire(
        np.random.default_rng(0),
        calendar,
        np.full(people, 0.1),
        np.full(people, 100.0),
        np.full(people, 200.0),
    )
    assert day.min() >= 100
    assert day.max() < 200
    expected = 0.1 * people * calendar.weights[100:200].sum()
    assert len(who) == pytest.approx(expected, rel=0.03)


def test_the_calendar_has_mean_intensity_one_and_its_peak_on_eleven_eleven():
    calendar = make_calendar(date(2025, 12, 31), 365)
    assert calendar.start == date(2025, 1, 1)
    assert calendar.weights.mean() == pytest.approx(1.0)
    assert int(np.argmax(calendar.weights)) in {312, 313, 314}  # 9, 10 or 11 November
