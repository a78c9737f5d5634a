"""`ads/campaigns.csv`, `ads/impressions-YYYY-MM.parquet`, `crm/consents.csv` and `crm/sends.csv`."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa

from lakehouse.synth import writing
from lakehouse.synth.advertising import AUDIENCES, CAMPAIGNS, FORMATS, SLOTS, Creatives, Impressions
from lakehouse.synth.arrays import Floats, Ints
from lakehouse.synth.catalogue import TOP_CATEGORIES
from lakehouse.synth.defects import Ledger, cut
from lakehouse.synth.keys import campaign_code, creative_code, customer_codes
from lakehouse.synth.messages import CONSENT_CHANNELS, CONSENT_ORIGINS, COSTS, Consents, Sends
from lakehouse.synth.orders import OrderLines
from lakehouse.synth.places import CITIES
from lakehouse.synth.population import DEVICES, Population
from lakehouse.synth.seasons import Calendar
from lakehouse.synth.visits import MESSAGE, Visits

CAMPAIGN_HEADER = "campaign_code,campaign_name,media,goal,start_date,end_date,budget"
CONSENT_HEADER = "cust_no,purpose,channel,changed,granted,origin"
SEND_HEADER = "send_no;campaign_code;cust_no;channel;send_time;open_time;click_time;convert_time;cost;revenue"


def write_campaigns(directory: Path, calendar: Calendar, customers: int) -> int:
    """Write `ads/campaigns.csv`; returns its rows."""
    rows = []
    for number, campaign in enumerate(CAMPAIGNS):
        starts = calendar.start + timedelta(days=round(campaign.first * calendar.days))
        ends = min(calendar.end, calendar.start + timedelta(days=round(campaign.last * calendar.days)))
        budget = round(customers * campaign.weight * max(0.1, campaign.last - campaign.first) * 2) * 10
        rows.append(f"{campaign_code(number)},{campaign.name},{campaign.channel},{campaign.objective},"
                    f"{starts},{ends},{budget}.00")  # fmt: skip
    writing.write_lines(directory / "ads" / "campaigns.csv", writing.texts(rows), CAMPAIGN_HEADER)
    return len(rows)


def impression_codes(numbers: Ints) -> pa.Array:
    """`I000000001` for the first impression of the world."""
    return writing.numbered("I", numbers + 1, 9)


def write_impressions(
    directory: Path,
    calendar: Calendar,
    population: Population,
    creatives: Creatives,
    impressions: Impressions,
) -> dict[str, int]:
    """Write the monthly Parquet files and `truth/impressions.parquet`; returns rows per file."""
    city = population.city[impressions.who]
    numbers = np.arange(len(impressions.who), dtype=np.int64)

    def named(table: list[str] | tuple[str, ...], index: Ints) -> pa.Array:
        return writing.look_up(writing.texts(table), index)

    campaign = creatives.campaign[impressions.creative]
    codes = impression_codes(numbers)
    columns = {
        "imp_id": codes,
        "user_id": customer_codes(impressions.who),
        "campaign": named([campaign_code(c) for c in range(len(CAMPAIGNS))], campaign),
        "creative": named([creative_code(c) for c in range(len(creatives.topic))], impressions.creative),
        "slot": named([s[0] for s in SLOTS], impressions.slot),
        "ts": writing.utc_timestamps(impressions.shown_s),
        "clicked": pa.array(impressions.is_clicked),
        "device": named(DEVICES, impressions.device),
        "province": named([c.region for c in CITIES], city),
        "cost_fen": pa.array(impressions.cost_fen),
        "ad_category": named(TOP_CATEGORIES, creatives.topic[impressions.creative]),
        "ad_format": named(FORMATS, creatives.format[impressions.creative]),
        "audience": named(AUDIENCES, impressions.audience),
    }
    table = pa.table(columns)
    month = calendar.month_of(impressions.shown_s)
    records = {}
    for number, name in enumerate(calendar.months):
        low, high = np.searchsorted(month, [number, number + 1])
        part = table.slice(int(low), int(high - low))
        file = f"ads/impressions-{name}.parquet"
        records[file] = writing.write_parquet(
            directory / file, {c: part[c].combine_chunks() for c in part.column_names}
        )
    writing.write_parquet(
        directory / "truth" / "impressions.parquet",
        {"impression_id": codes, "click_probability": pa.array(impressions.probability)},
    )
    return records


def write_consents(directory: Path, consents: Consents) -> int:
    """Write `crm/consents.csv`; returns its rows."""
    size = len(consents.who)
    columns = [
        customer_codes(consents.who),
        writing.texts(["marketing"] * size),
        writing.look_up(writing.texts(CONSENT_CHANNELS), consents.channel),
        writing.times(consents.changed_s),
        writing.look_up(writing.texts(["N", "Y"]), consents.is_granted.astype(np.int64)),
        writing.look_up(writing.texts(CONSENT_ORIGINS), consents.origin),
    ]
    writing.write_lines(directory / "crm" / "consents.csv", writing.delimited_lines(columns), CONSENT_HEADER)
    return size


def conversions(sends: Sends, visits: Visits, lines: OrderLines, purchase_s: Ints) -> tuple[Ints, Floats]:
    """Per send the local second of the order that its click led to (-1: none) and the order's net amount."""
    converted = np.full(len(sends.who), -1, dtype=np.int64)
    buyer = np.flatnonzero((visits.origin == MESSAGE) & visits.is_buying)
    converted[visits.source[buyer]] = purchase_s[buyer]
    sold = np.flatnonzero(lines.visit >= 0)
    net = lines.quantity[sold] * lines.unit_price[sold] - lines.discount[sold]
    of_visit = np.bincount(lines.visit[sold], weights=net, minlength=len(visits.who))
    revenue = np.zeros(len(sends.who))
    revenue[visits.source[buyer]] = of_visit[buyer]
    return converted, revenue


def write_sends(directory: Path, ledger: Ledger, sends: Sends, converted_s: Ints, revenue: Floats) -> int:
    """Write `crm/sends.csv` (semicolons) with its truncated lines; returns its records."""
    file, size = "crm/sends.csv", len(sends.who)
    codes = writing.numbered("M", np.arange(1, size + 1, dtype=np.int64), 8)

    def moment(seconds: Ints) -> pa.Array:
        return writing.blank_where(writing.times(np.maximum(seconds, 0)), seconds < 0)

    columns = [
        codes,
        writing.look_up(writing.texts([campaign_code(c) for c in range(len(CAMPAIGNS))]), sends.campaign),
        customer_codes(sends.who),
        writing.look_up(writing.texts(CONSENT_CHANNELS), sends.channel),
        writing.times(sends.sent_s),
        moment(sends.opened_s),
        moment(sends.clicked_s),
        moment(converted_s),
        writing.money(COSTS[sends.channel]),
        writing.blank_where(writing.money(revenue), converted_s < 0),
    ]
    text = writing.delimited_lines(columns, ";")
    rows = ledger.choose("sends", size, {("truncated_line", ""): converted_s < 0})["truncated_line", ""]
    whole = text.take(pa.array(rows)).to_pylist()
    planted = cut(whole, ledger.rng, ";")
    ledger.note("truncated_line", "sends", "", file, rows + 1, codes.take(pa.array(rows)), planted, whole)
    writing.write_lines(directory / file, writing.put(text, rows, planted), SEND_HEADER)
    return size
