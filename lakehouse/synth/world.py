"""The world, put together: who lives in it, what they do, and the files that show it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import numpy as np

from lakehouse.errors import InputError
from lakehouse.synth import advertising_files, truth
from lakehouse.synth.advertising import make_creatives, make_impressions
from lakehouse.synth.catalogue import make_catalogue
from lakehouse.synth.customer_files import write_customers, write_products
from lakehouse.synth.defects import Ledger
from lakehouse.synth.event_files import EventWriter
from lakehouse.synth.identities import make_identities
from lakehouse.synth.memberships import write_memberships
from lakehouse.synth.messages import make_consents, make_sends
from lakehouse.synth.order_files import write_orders
from lakehouse.synth.orders import make_order_lines
from lakehouse.synth.partners import write_partner_members, write_third_party_profiles
from lakehouse.synth.population import make_population
from lakehouse.synth.seasons import make_calendar
from lakehouse.synth.service import write_tickets
from lakehouse.synth.source_file import FIRST_LINE, write_source_file
from lakehouse.synth.stores import make_stores, write_stores
from lakehouse.synth.visits import buying_numbers, look_around, make_visits
from lakehouse.synth.whereabouts import write_locations

LEAST_CUSTOMERS, MOST_CUSTOMERS = 10, 2_000_000
LEAST_DAYS, MOST_DAYS = 30, 1_500
MONTHLY_FILES = ("orders/orders-*.csv.gz", "app/events-*.jsonl.gz", "ads/impressions-*.parquet")


@dataclass
class GenerationSummary:
    """What was written: `rows` per file (path relative to `directory`), and where to start."""

    directory: Path
    rows: dict[str, int] = field(default_factory=dict)
    source: Path = Path()
    truth: Path = Path()
    defects: int = 0

    @property
    def events(self) -> int:
        """Records of all event files."""
        return sum(rows for file, rows in self.rows.items() if file.startswith("app/events-"))

    @property
    def order_lines(self) -> int:
        """Records of all order files."""
        return sum(rows for file, rows in self.rows.items() if file.startswith("orders/"))


def _silent(step: str, rows: int) -> None:
    """Progress that nobody watches."""


def _check(customers: int, days: int, seed: int) -> None:
    if not LEAST_CUSTOMERS <= customers <= MOST_CUSTOMERS:
        raise InputError(f"customers must be between {LEAST_CUSTOMERS} and {MOST_CUSTOMERS:,}, not {customers}.")
    if not LEAST_DAYS <= days <= MOST_DAYS:
        raise InputError(f"days must be between {LEAST_DAYS} and {MOST_DAYS:,}, not {days}.")
    if seed < 0:
        raise InputError(f"seed must not be negative, it is {seed}.")


def _clear(directory: Path) -> None:
    """Remove an earlier sample's monthly files, and its source file until the new one is whole.

    Raises:
        InputError: the directory holds something that is no sample.
    """
    if not directory.exists() or not any(directory.iterdir()):
        return
    source = directory / "source.yml"
    if not (directory / "truth").is_dir() or (source.exists() and not source.read_text("utf-8").startswith(FIRST_LINE)):
        raise InputError(f"{directory} is not empty and holds no sample; name a new or empty directory.")
    source.unlink(missing_ok=True)
    for pattern in MONTHLY_FILES:
        for path in directory.glob(pattern):
            path.unlink()


def generate(
    directory: Path,
    *,
    customers: int,
    days: int,
    seed: int,
    end: date = date(2025, 12, 31),
    progress: Callable[[str, int], None] | None = None,
) -> GenerationSummary:
    """Write the sample into `directory`: the exports, `source.yml` and `truth/`.

    Args:
        customers: number of customers, at least 10.
        days: length of the window that ends with the day `end`, at least 30.
        seed: the same seed (and arguments) gives the same bytes.
        progress: called with a step's name and the rows that it has written so far.

    Raises:
        InputError: a number is out of bounds, or the directory cannot be written.
    """
    _check(customers, days, seed)
    report = progress or _silent
    try:
        _clear(directory)
        (directory / "truth").mkdir(parents=True, exist_ok=True)
        return _write_world(directory, customers, days, seed, end, report)
    except OSError as error:
        raise InputError(f"Cannot write the sample to {directory}: {error.strerror or error}.") from error


def _write_world(
    directory: Path, customers: int, days: int, seed: int, end: date, report: Callable[[str, int], None]
) -> GenerationSummary:
    summary = GenerationSummary(directory, truth=directory / "truth")

    def stream(number: int) -> np.random.Generator:
        """Each part has its own random stream, so that a change in one leaves the others alone."""
        return np.random.default_rng([seed, number])

    def wrote(step: str, files: dict[str, int]) -> None:
        summary.rows.update(files)
        report(step, sum(files.values()))

    calendar = make_calendar(end, days)
    ledger = Ledger(stream(0))
    population = make_population(stream(1), calendar, customers)
    catalogue = make_catalogue(stream(2), calendar, customers)
    stores = make_stores(stream(3), customers)
    creatives = make_creatives(stream(4))

    who = make_identities(stream(5), population, np.arange(customers, dtype=np.int64))
    wrote("customers", {"crm/customers.csv": write_customers(directory, ledger, population, who)})
    wrote("products", {"catalog/products.csv": write_products(directory, ledger, catalogue)})
    wrote("stores", {"stores/stores.csv": write_stores(directory, stores)})
    wrote("campaigns", {"ads/campaigns.csv": advertising_files.write_campaigns(directory, calendar, customers)})

    impressions = make_impressions(stream(6), calendar, population, creatives)
    wrote(
        "impressions",
        advertising_files.write_impressions(directory, calendar, population, creatives, impressions),
    )
    consents = make_consents(stream(7), calendar, population)
    wrote("consents", {"crm/consents.csv": advertising_files.write_consents(directory, consents)})
    sends = make_sends(stream(8), calendar, population, consents)

    shown_for = creatives.campaign[impressions.creative]
    visits = make_visits(stream(9), calendar, population, impressions, sends, shown_for, stores)
    looks = look_around(stream(10), population, catalogue, visits)
    number = buying_numbers(visits)
    writer = EventWriter(directory, ledger, population, catalogue, visits, looks, number)
    writer.write_all(calendar, stream(11), report)
    summary.rows.update(writer.records)

    lines = make_order_lines(stream(12), calendar, population, catalogue, visits, looks, number, writer.purchase_s)
    wrote("order_lines", write_orders(directory, ledger, calendar, lines, catalogue, stores))
    converted, revenue = advertising_files.conversions(sends, visits, lines, writer.purchase_s)
    sent = advertising_files.write_sends(directory, ledger, sends, converted, revenue)
    wrote("sends", {"crm/sends.csv": sent})
    tickets = write_tickets(directory, ledger, stream(13), calendar, population, catalogue, lines)
    wrote("tickets", {"service/tickets.jsonl": tickets})
    members = write_memberships(directory, ledger, stream(14), calendar, population)
    wrote("memberships", {"crm/memberships.csv": members})
    partner_members = write_partner_members(directory, ledger, stream(15), calendar, population, who)
    wrote("partner_members", {"partners/members.csv": partner_members})
    profiles = write_third_party_profiles(directory, stream(16), calendar, population, who)
    wrote("third_party_profiles", {"partners/third_party_profiles.jsonl": profiles})
    seen = write_locations(directory, stream(17), calendar, population, visits, stores)
    wrote("locations", {"app/locations.parquet": seen})

    truth.write_people(directory, calendar, population)
    truth.write_products(directory, catalogue)
    truth.write_model(directory, creatives, customers=customers, days=days, seed=seed, end=end)
    summary.defects = ledger.write(directory)
    summary.source = write_source_file(directory)
    return summary
