"""What the guesser finds in real files, the sample and made-up values; `pytest -s` prints precision and recall."""

from __future__ import annotations

import csv
import gzip
import random
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from typer.testing import CliRunner

from lakehouse.cli import app
from lakehouse.privacy.guess import Guess, guess_columns
from lakehouse.settings import load_settings
from lakehouse.synth import generate

FIRST = 3_000
PERSONAL = ("direct_identifier", "pseudonym", "quasi_identifier", "sensitive")

# The classes of real files' columns, by their descriptions; a column that is not named says nothing of a person.
REAL: Mapping[str, Mapping[str, str]] = {
    "completejourney_demographics": {
        "household_id": "pseudonym", "income": "sensitive",
        **dict.fromkeys(
            ["age", "home_ownership", "marital_status", "household_size", "household_comp", "kids_count"],
            "quasi_identifier",
        ),
    },
    "completejourney_transactions_sample": {"household_id": "pseudonym"},
    "completejourney_products": {},
    "credit_data_4454": {
        **dict.fromkeys(["Age", "Marital", "Job", "Home", "Records"], "quasi_identifier"),
        **dict.fromkeys(["Income", "Assets", "Debt", "Expenses"], "sensitive"),
    },
    "german_credit": {
        **dict.fromkeys(["age", "job", "status", "employ", "foreign"], "quasi_identifier"),
        **dict.fromkeys(["residence", "housing", "liable", "tele"], "quasi_identifier"),
        **dict.fromkeys(["savings", "checkingstatus1", "property"], "sensitive"),
    },
    "ipinyou_ctr_train": {"IP": "pseudonym", "region": "quasi_identifier", "city": "quasi_identifier"},
    "melbourne_pedestrian_2015": {},
    "mlc_churn": {"state": "quasi_identifier", "area_code": "quasi_identifier"},
    "olist_sellers": dict.fromkeys(
        ("seller_zip_code_prefix", "seller_city", "seller_state"), "quasi_identifier"
    ),  # a seller may be a person
    "online_retail_2010-12_2011-05": {"CustomerID": "pseudonym", "Country": "quasi_identifier"},
    "online_shoppers_intention": {"Region": "quasi_identifier"},
    "waimai_10k_reviews": {"review": "sensitive"},
}  # fmt: skip

# The columns of the sample's customer file.
SAMPLE: Mapping[str, str] = {
    "cust_no": "pseudonym",
    **dict.fromkeys(["name", "mobile", "email", "id_no", "addr", "lat", "lng"], "direct_identifier"),
    **dict.fromkeys(["sex", "birthday", "city", "province", "country", "lang"], "quasi_identifier"),
}


def columns_of(path: Path) -> dict[str, list[str | None]]:
    with gzip.open(path, "rt", encoding="utf-8", errors="replace", newline="") as lines:
        rows = csv.reader(lines)
        names = next(rows)
        taken = [row for _, row in zip(range(FIRST), rows)]
    return {name: [row[n] if n < len(row) else None for row in taken] for n, name in enumerate(names)}


def scored(
    truth: Mapping[tuple[str, str], str], found: Mapping[tuple[str, str], Guess]
) -> dict[str, tuple[float, float]]:
    """Precision and recall by class, and of "says something of a person", over all columns."""
    told = {key: guess.kind for key, guess in found.items()}
    scores = {}
    for kind in (*PERSONAL, "any"):
        is_it = {key for key in told if (truth.get(key, "none") != "none" if kind == "any" else truth.get(key) == kind)}
        said = {key for key, guessed in told.items() if (guessed != "none" if kind == "any" else guessed == kind)}
        scores[kind] = (len(is_it & said) / max(1, len(said)), len(is_it & said) / max(1, len(is_it)))
    return scores


@pytest.fixture(scope="module")
def on_real_files() -> dict[str, tuple[float, float]]:
    folder = load_settings().data_dir
    truth, found = {}, {}
    for file, classes in REAL.items():
        for guess in guess_columns(columns_of(folder / f"{file}.csv.gz"), ("GB", "US")):
            found[file, guess.column] = guess
        truth |= {(file, column): kind for column, kind in classes.items()}
    assert truth.keys() <= found.keys(), truth.keys() - found.keys()
    scores = scored(truth, found)
    wrong = [
        f"{key}: {found[key].kind}, is {truth.get(key, 'none')}"
        for key in found
        if found[key].kind != truth.get(key, "none")
    ]
    print(
        f"\n{len(found)} columns of {len(REAL)} real files",
        *(f"{k}: precision {p:.2f}, recall {r:.2f}" for k, (p, r) in scores.items()),
        *wrong,
        sep="\n  ",
    )
    return scores


def test_of_real_files_most_columns_about_people_are_found_and_few_others(
    on_real_files: dict[str, tuple[float, float]],
) -> None:
    precision, recall = on_real_files["any"]
    assert precision >= 0.9
    assert recall >= 0.7  # german_credit codes its columns: nothing in A11 says what it is


def test_of_the_sample_every_identifier_is_found(tmp_path: Path) -> None:
    generate(tmp_path, customers=300, days=40, seed=3)
    (path,) = (p for p in tmp_path.rglob("customers*") if "truth" not in str(p) and p.is_file())
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8", errors="replace", newline="") as lines:
        rows = list(csv.reader(lines))
    columns = {name: [row[n] if n < len(row) else None for row in rows[1:]] for n, name in enumerate(rows[0])}
    found = {guess.column: guess.kind for guess in guess_columns(columns, ("CN",))}
    assert {column: found[column] for column in SAMPLE} == SAMPLE


def luhn(digits: str) -> str:
    total = sum(sum(divmod(int(d) * (2 if n % 2 == 0 else 1), 10)) for n, d in enumerate(reversed(digits)))
    return digits + str(-total % 10)


def id_card(seed: random.Random) -> str:
    area, year, month = seed.choice(["110101", "310104", "440305"]), seed.randint(1950, 2005), seed.randint(1, 12)
    head = f"{area}{year}{month:02}{seed.randint(1, 28):02}{seed.randint(0, 999):03}"
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    return head + "10X98765432"[sum(w * int(d) for w, d in zip(weights, head, strict=True)) % 11]


def made_up() -> Iterator[tuple[str, str, list[str | None]]]:
    """(what, class, values) of columns whose names say nothing: only the values can tell."""
    seed = random.Random(5)

    def many(one: object) -> list[str | None]:
        return [str(one()) for _ in range(400)]  # type: ignore[operator]

    yield (
        "mobile numbers",
        "direct_identifier",
        many(lambda: f"1{seed.choice('35789')}{seed.randint(10**8, 10**9 - 1)}"),
    )
    yield "numbers abroad", "direct_identifier", many(lambda: f"+44 20 7946 {seed.randint(1000, 9999)}")
    yield "e-mail", "direct_identifier", many(lambda: f"u{seed.randint(1, 9999)}.x@mail.example")
    yield "identity cards", "direct_identifier", many(lambda: id_card(seed))
    yield "bank cards", "sensitive", many(lambda: luhn(f"6222{seed.randint(10**13, 10**14 - 1)}"))
    yield "names", "direct_identifier", many(lambda: seed.choice("王李张刘陈") + seed.choice("伟芳娜敏静强磊洋"))
    yield (
        "addresses",
        "direct_identifier",
        many(lambda: f"上海市中山路{seed.randint(1, 300)}号{seed.randint(101, 2400)}室"),
    )
    yield "gender", "quasi_identifier", many(lambda: seed.choice(["男", "女"]))
    yield "IP addresses", "pseudonym", many(lambda: f"10.{seed.randint(0, 255)}.{seed.randint(0, 255)}.7")
    yield (
        "sentences",
        "sensitive",
        many(lambda: " ".join(seed.choices(["the", "tea", "was", "cold", "and", "late", "but", "good"], k=9))),
    )
    # Look-alikes that are none.
    yield "order numbers of 16 digits", "none", many(lambda: seed.randint(10**15, 10**16 - 1))
    yield "keys of 18 digits", "none", many(lambda: seed.randint(10**17, 10**18 - 1))
    yield "times in seconds", "none", many(lambda: seed.randint(1_600_000_000, 1_700_000_000))
    yield "amounts", "none", many(lambda: f"{seed.uniform(1, 900):.2f}")
    yield "days", "none", many(lambda: f"202{seed.randint(0, 5)}-0{seed.randint(1, 9)}-{seed.randint(10, 28)}")
    yield "products", "none", many(lambda: seed.choice(["Green tea", "White cup", "Big pot"]))
    yield "invoice numbers", "none", many(lambda: seed.randint(536365, 581587))
    yield "EAN codes", "none", many(lambda: f"69{seed.randint(10**10, 10**11 - 1)}")


@pytest.mark.parametrize(
    ("what", "kind", "values"), list(made_up()), ids=lambda one: one if isinstance(one, str) else ""
)
def test_values_tell_what_a_column_holds_where_its_name_does_not(
    what: str, kind: str, values: list[str | None]
) -> None:
    (guess,) = guess_columns({"c7": [*values, None, "", "n/a"]})
    assert guess.kind == kind, guess


def test_the_command_shows_no_value_and_writes_only_where_asked(tmp_path: Path) -> None:
    file, proposals = tmp_path / "people.csv", tmp_path / "classes.yml"
    file.write_text("user_id,contact\n" + "".join(f"{n},anna{n}@mail.example\n" for n in range(20)))
    shown = CliRunner().invoke(app, ["privacy", "classify", str(file)])
    assert shown.exit_code == 0
    assert "direct identifier" in shown.output
    assert "anna" not in shown.output
    assert sorted(tmp_path.iterdir()) == [file]
    CliRunner().invoke(app, ["privacy", "classify", str(file), "--write", str(proposals)])
    assert proposals.read_text() == (
        "user_id:\n  class: pseudonym\n  what: key of a person\n"
        "contact:\n  class: direct_identifier\n  what: e-mail address\n"
    )
