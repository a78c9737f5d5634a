"""`service/tickets.jsonl`: what customers wrote to the service desk, about something they bought.

chance      4 % of order lines lead to a ticket within ten days, 35 % of those that are sent back
satisfaction round(topic mean - 0.25 log2(hours open / 24) + N(0, 0.7)), between 1 and 5
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa

from lakehouse.synth import writing
from lakehouse.synth.arrays import Bools, Ints, pick
from lakehouse.synth.catalogue import Catalogue
from lakehouse.synth.defects import Ledger, cut
from lakehouse.synth.keys import customer_codes
from lakehouse.synth.orders import OrderLines
from lakehouse.synth.population import Population
from lakehouse.synth.seasons import DAY_SECONDS, Calendar
from lakehouse.synth.ticket_texts import CLOSINGS, GREETINGS, TOPICS

TICKET_SHARE, RETURNED_TICKET_SHARE = 0.04, 0.35
CHANNELS = ("chat", "phone", "email", "app")


def write_tickets(
    directory: Path,
    ledger: Ledger,
    rng: np.random.Generator,
    calendar: Calendar,
    population: Population,
    catalogue: Catalogue,
    lines: OrderLines,
) -> int:
    """Write the tickets; returns their number."""
    chance = np.where(lines.is_taken_back, RETURNED_TICKET_SHARE, TICKET_SHARE)
    about = np.flatnonzero((rng.random(len(chance)) < chance) & ~lines.is_return)
    moment: Ints = lines.ordered_s[about] + rng.integers(2 * 3600, 10 * DAY_SECONDS, len(about))
    order = np.argsort(moment, kind="stable")
    order = order[moment[order] < calendar.end_s]
    about, opened = about[order], moment[order]
    size = len(about)
    topic = pick(rng, np.array([t.share for t in TOPICS]), size)
    topic = np.where(lines.is_taken_back[about] & (rng.random(size) < 0.7), 2, topic)
    hours = rng.lognormal(np.log(18.0), 0.9, size)
    closed: Ints = opened + (hours * 3600).astype(np.int64)
    score = np.array([t.satisfaction for t in TOPICS])[topic] - 0.25 * np.log2(hours / 24) + rng.normal(0, 0.7, size)
    satisfaction = np.clip(np.round(score), 1, 5).astype(np.int64)
    channel = pick(rng, np.array([45, 20, 20, 15]), size)
    language = np.where(population.is_western[lines.who[about]], 0, 1)
    words = rng.integers(0, 2**20, (size, 4))

    codes = writing.numbered("T", np.arange(1, size + 1, dtype=np.int64), 7)
    missing = ledger.choose("tickets", size)
    blank = missing["missing_value", "satisfaction"]
    is_blank = np.zeros(size, dtype=np.bool_)
    is_blank[blank] = True
    opened_text = writing.times(opened, "T").to_pylist()
    is_open: Bools = closed >= calendar.end_s
    closed_text = writing.blank_where(writing.times(closed, "T"), is_open).to_pylist()
    users = customer_codes(lines.who[about]).to_pylist()
    code_text = codes.to_pylist()
    rows = []
    for i in range(size):
        entry, tongue, choice = TOPICS[topic[i]], int(language[i]), words[i]
        complaint = entry.complaints[choice[1] % len(entry.complaints)][tongue]
        parts = (GREETINGS[choice[2] % 3][tongue], complaint.format(catalogue.title[lines.product[about[i]]]),
                 CLOSINGS[choice[3] % 4][tongue])  # fmt: skip
        ticket = {
            "ticket_no": code_text[i],
            "cust_no": users[i],
            "open_time": opened_text[i],
            "close_time": closed_text[i] or None,
            "title": entry.subjects[choice[0] % len(entry.subjects)][tongue],
            "content": ("" if tongue else " ").join(parts),
            "via": CHANNELS[channel[i]],
            "score": None if is_blank[i] else int(satisfaction[i]),
        }
        rows.append(json.dumps(ticket, ensure_ascii=False))

    file = "service/tickets.jsonl"
    keys = codes.take(pa.array(blank))
    true_scores = [str(s) for s in satisfaction[blank].tolist()]
    ledger.note("missing_value", "tickets", "satisfaction", file, blank + 1, keys, [""] * len(blank), true_scores)
    truncated = missing["truncated_line", ""]
    whole = [rows[i] for i in truncated.tolist()]
    planted = cut(whole, ledger.rng)
    ledger.note("truncated_line", "tickets", "", file, truncated + 1, codes.take(pa.array(truncated)), planted, whole)
    writing.write_lines(directory / file, writing.put(writing.texts(rows), truncated, planted))
    return size
