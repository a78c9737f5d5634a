"""The sample's files: reproducible, readable by anyone, complete."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from lakehouse.errors import InputError
from lakehouse.sources import load_source
from lakehouse.synth import generate


def fingerprints(directory: Path) -> dict[str, str]:
    return {
        path.relative_to(directory).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(directory.rglob("*"))
        if path.is_file()
    }


def test_the_same_seed_gives_the_same_bytes_in_every_file(tmp_path):
    generate(tmp_path / "a", customers=60, days=60, seed=3)
    generate(tmp_path / "b", customers=60, days=60, seed=3)
    assert fingerprints(tmp_path / "a") == fingerprints(tmp_path / "b")


def test_another_seed_gives_other_bytes_in_every_file_that_holds_random_rows(tmp_path):
    generate(tmp_path / "a", customers=60, days=60, seed=3)
    generate(tmp_path / "b", customers=60, days=60, seed=4)
    one, other = fingerprints(tmp_path / "a"), fingerprints(tmp_path / "b")
    assert {file for file in one if one[file] == other.get(file)} == {"source.yml", "ads/campaigns.csv"}


def test_gzip_headers_carry_no_time_and_no_file_name(sample):
    for file in sample.files("*/*.gz"):
        header = (sample.directory / file).read_bytes()[:10]
        assert header[:2] == b"\x1f\x8b"
        assert header[3] == 0  # no name, no comment, no extra field
        assert header[4:8] == b"\0\0\0\0"  # no time


def test_every_file_holds_as_many_records_as_the_summary_says(sample):
    for file, rows in sample.summary.rows.items():
        if file.endswith(".parquet"):
            found = pq.ParquetFile(sample.directory / file).metadata.num_rows
        else:
            found = len(sample.lines(file)) - (".csv" in file)
        assert (file, found) == (file, rows)


def test_the_window_has_a_file_per_month_for_orders_events_and_impressions(sample):
    months = [f"2025-{month:02d}" for month in range(1, 13)]
    assert sample.files("orders/*") == [f"orders/orders-{m}.csv.gz" for m in months]
    assert sample.files("app/events*") == [f"app/events-{m}.jsonl.gz" for m in months]
    assert sample.files("ads/*.parquet") == [f"ads/impressions-{m}.parquet" for m in months]


def test_fifty_events_and_ten_impressions_per_customer_and_year(sample):
    assert sample.summary.events == pytest.approx(50 * 600, rel=0.1)
    impressions = sum(r for f, r in sample.summary.rows.items() if f.startswith("ads/impressions"))
    assert impressions == pytest.approx(10 * 600, rel=0.1)


def test_the_source_file_maps_columns_that_the_files_have(sample):
    source = load_source(sample.directory / "source.yml")
    assert (source.name, source.timezone, source.currency) == ("sample", "Asia/Shanghai", "CNY")
    headers = {
        "customers": sample.csv("crm/customers.csv")[0],
        "order_lines": sample.order_lines()[0],
        "partner_members": sample.csv("partners/members.csv", "|")[0],
        "sends": sample.csv("crm/sends.csv", ";")[0],
        "tickets": sample.json("service/tickets.jsonl")[0],
        "impressions": sample.parquet("ads/*.parquet")[0],
        "locations": sample.parquet("app/*.parquet")[0],
    }
    for entity, row in headers.items():
        written = source.entities[entity].columns.values()
        plain = {text for text in written if "'" not in text and "/" not in text}
        assert plain <= set(row), entity


def test_a_shorter_sample_replaces_a_longer_one_without_leaving_months_behind(tmp_path):
    generate(tmp_path, customers=60, days=90, seed=3)
    generate(tmp_path, customers=60, days=31, seed=3)
    assert [p.name for p in sorted((tmp_path / "orders").iterdir())] == ["orders-2025-12.csv.gz"]


def test_a_directory_with_other_things_in_it_is_refused(tmp_path):
    (tmp_path / "thesis.txt").write_text("precious")
    with pytest.raises(InputError, match="not empty and holds no sample"):
        generate(tmp_path, customers=60, days=60, seed=3)
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.txt"]


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        ({"customers": 9, "days": 60, "seed": 1}, "customers"),
        ({"customers": 60, "days": 29, "seed": 1}, "days"),
        ({"customers": 60, "days": 60, "seed": -1}, "seed"),
    ],
)
def test_a_number_out_of_bounds_is_refused_in_a_sentence(tmp_path, arguments, word):
    with pytest.raises(InputError, match=word):
        generate(tmp_path, **arguments)
