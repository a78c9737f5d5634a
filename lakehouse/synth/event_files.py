"""`app/events-YYYY-MM.jsonl.gz`: the app's event log, with the planted defects of events.

Times are the phone's local time without a zone (`2025-03-04 10:11:12`, Asia/Shanghai), except where a
defect is planted.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lakehouse.synth import writing
from lakehouse.synth.advertising import CAMPAIGNS
from lakehouse.synth.arrays import Ints
from lakehouse.synth.behaviour import PURCHASE, SEARCH, Events, expand, month_blocks
from lakehouse.synth.catalogue import Catalogue
from lakehouse.synth.defects import Ledger, copies_order, cut
from lakehouse.synth.keys import campaign_code, customer_codes, order_codes, product_codes, scrambled
from lakehouse.synth.population import DEVICES, Population
from lakehouse.synth.seasons import UTC_OFFSET_SECONDS, Calendar
from lakehouse.synth.visits import CHANNELS, Looks, Visits

RAW_TYPES = ("page_view", "search", "add_cart", "remove_cart", "checkout", "pay")
YEARS_AHEAD = 11  #: the least for an event from the future: 2036 for a window in 2025
NEW_YORK_BEHIND_SECONDS = 13 * 3600  #: -05:00 seen from +08:00


def zoned_time(second: int, form: int) -> str:
    """The moment with its zone: 0 `+08:00`, 1 `Z`, 2 `-05:00`."""
    if form == 0:
        return f"{np.datetime64(second, 's')}+08:00"
    if form == 1:
        return f"{np.datetime64(second - UTC_OFFSET_SECONDS, 's')}Z"
    return f"{np.datetime64(second - NEW_YORK_BEHIND_SECONDS, 's')}-05:00"


class EventWriter:
    """Writes block after block of sessions; `purchase_s` collects the second of every purchase on the way."""

    def __init__(
        self, directory: Path, ledger: Ledger, population: Population, catalogue: Catalogue, visits: Visits,
        looks: Looks, order_number: Ints,
    ) -> None:  # fmt: skip
        self.directory = directory
        self.ledger = ledger
        self.population = population
        self.catalogue = catalogue
        self.visits = visits
        self.looks = looks
        self.order_number = order_number
        self.purchase_s = visits.start_s.copy()  # a store purchase happens when the visit starts
        self.events = 0  # event ids given so far
        self.records: dict[str, int] = {}
        products = product_codes(np.arange(len(catalogue), dtype=np.int64))
        self._product = writing.joined(',"sku":"', products, '","page":"/p/', products, '"')
        terms = [*catalogue.leaf_name, *catalogue.leaf_name_zh]
        self._terms = writing.texts([f',"kw":"{t}","page":"/search"' for t in terms])
        self._referrers = writing.texts(
            ["direct", *(f"{c.channel}:{campaign_code(i)}" for i, c in enumerate(CAMPAIGNS))]
        )

    def _session_texts(self, block: Ints) -> tuple[pa.Array, pa.Array, pa.Array]:
        visits = self.visits
        who, device = visits.who[block], visits.device[block]
        fragment = writing.joined(
            ',"sid":"', writing.numbered("s", scrambled(block, 9), 9),
            '","anon_id":"', writing.numbered("a", scrambled(who * 4 + device, 10), 10),
            '","device":"', writing.look_up(writing.texts(DEVICES), device),
            '","channel":"', writing.look_up(writing.texts(CHANNELS), visits.channel[block]),
            '","referrer":"', writing.look_up(self._referrers, visits.campaign[block] + 1), '"',
        )  # fmt: skip
        user = writing.joined(',"uid":"', customer_codes(who), '"')
        order = writing.joined(',"order_no":"', order_codes("SO", self.order_number[block]), '"')
        return fragment, user, order

    def _lines(self, events: Events, block: Ints, times: pa.Array, ids: pa.Array) -> pa.Array:
        place = np.empty(int(block.max()) + 1, dtype=np.int64)
        place[block] = np.arange(len(block))
        local = place[events.visit]
        fragment, user, order = self._session_texts(block)
        is_known = events.position >= self.visits.anonymous_events[events.visit]
        product = writing.look_up(self._product, np.where(events.product < 0, 0, events.product))
        searches = events.kind == SEARCH
        first_leaf = self.catalogue.leaf[self.looks.product[self.visits.first_look[events.visit]]]
        is_zh = ~self.population.is_western[self.visits.who[events.visit]]
        term = writing.look_up(self._terms, first_leaf + is_zh * len(self.catalogue.leaf_name))
        what = pc.if_else(
            pa.array(events.product >= 0),
            product,
            pc.if_else(pa.array(searches), term, ',"page":"/checkout"'),
        )
        return writing.joined(
            '{"event_id":"', ids, '","event":"', writing.look_up(writing.texts(RAW_TYPES), events.kind),
            '","ts":"', times, '"', writing.look_up(fragment, local),
            pc.if_else(pa.array(is_known), writing.look_up(user, local), ',"uid":null'), what,
            pc.if_else(pa.array(events.kind == PURCHASE), writing.look_up(order, local), ""), "}",
        )  # fmt: skip

    def write_all(self, calendar: Calendar, rng: np.random.Generator, progress: Callable[[str, int], None]) -> None:
        """Write every month's file."""
        for month, blocks in month_blocks(calendar, self.visits):
            name = f"app/events-{calendar.months[month]}.jsonl.gz"
            self.records[name] = 0
            with writing.LineFile(self.directory / name) as file:
                for block in blocks:
                    events = expand(rng, self.visits, self.looks, block)
                    bought = events.kind == PURCHASE
                    self.purchase_s[events.visit[bought]] = events.at_s[bought]
                    file.add(self._damaged_lines(events, block, name))
                    progress("events", sum(self.records.values()))

    def _planted_times(
        self, events: Events, times: pa.Array, chosen: dict[tuple[str, str], Ints]
    ) -> tuple[pa.Array, list[tuple[str, Ints, list[str]]]]:
        """The time column with zones, future years and impossible dates, and what was planted where."""
        zoned, future = chosen["mixed_timezone", "event_at"], chosen["future_event", "event_at"]
        impossible = chosen["impossible_date", "event_at"]
        zoned_text = [zoned_time(second, i % 3) for i, second in enumerate(events.at_s[zoned].tolist())]
        later = YEARS_AHEAD + self.ledger.rng.integers(0, 30, len(future))
        true = times.take(pa.array(future)).to_pylist()
        future_text = [f"{int(t[:4]) + y}{_any_year(t[4:])}" for t, y in zip(true, later, strict=True)]
        impossible_text = [f"{t[:4]}-02-30{t[10:]}" for t in times.take(pa.array(impossible)).to_pylist()]
        notes = [("mixed_timezone", zoned, zoned_text), ("future_event", future, future_text),
                 ("impossible_date", impossible, impossible_text)]  # fmt: skip
        for _, index, planted in notes:
            times = writing.put(times, index, planted)
        return times, notes

    def _damaged_lines(self, events: Events, block: Ints, file: str) -> pa.Array:
        size = len(events.visit)
        ledger = self.ledger
        no_purchase = events.kind != PURCHASE
        losing = (("truncated_line", ""), ("future_event", "event_at"), ("impossible_date", "event_at"))
        chosen = ledger.choose("events", size, dict.fromkeys(losing, no_purchase))
        near = chosen["near_duplicate", "event_id"]
        exact = chosen["exact_duplicate", ""]
        rows = np.r_[np.arange(size), near]
        copied = Events(
            events.visit[rows], events.kind[rows], events.product[rows],
            np.r_[events.at_s, events.at_s[near] + 1], events.position[rows],
        )  # fmt: skip
        number = np.arange(self.events, self.events + len(rows), dtype=np.int64)
        self.events += len(rows)
        ids = writing.numbered("e", scrambled(number, 12), 12)

        times, notes = self._planted_times(events, writing.times(copied.at_s), chosen)
        lines = self._lines(copied, block, times, ids)
        truncated = chosen["truncated_line", ""]
        whole = lines.take(pa.array(truncated)).to_pylist()
        truncated_text = cut(whole, ledger.rng)
        lines = writing.put(lines, truncated, truncated_text)

        source = np.r_[near, exact]
        order = copies_order(size, source, np.where(np.arange(len(source)) < len(near), 0, 1 + source % 9))
        record = np.empty(len(order), dtype=np.int64)
        record[order] = self.records[file] + np.arange(1, len(order) + 1)
        self.records[file] += len(order)

        def note(defect: str, column: str, at: Ints, planted: list[str] | None, truth: list[str] | None) -> None:
            key = ids.take(pa.array(np.minimum(at, len(ids) - 1)))
            ledger.note(defect, "events", column, file, record[at], key, planted, truth)

        for defect, at, planted in notes:
            note(defect, "event_at", at, planted, writing.utc_times(events.at_s[at]).to_pylist())
        note("truncated_line", "", truncated, truncated_text, whole)
        copies = np.arange(size, size + len(near), dtype=np.int64)
        note("near_duplicate", "event_id", copies, ids.take(pa.array(copies)).to_pylist(),
             ids.take(pa.array(near)).to_pylist())  # fmt: skip
        ledger.note("exact_duplicate", "events", "", file, record[size + len(near) :], ids.take(pa.array(exact)))
        all_rows = np.r_[np.arange(size + len(near)), exact]
        return lines.take(pa.array(all_rows[order]))


def _any_year(month_and_rest: str) -> str:
    """29 February exists only in leap years."""
    return month_and_rest.replace("-02-29", "-02-28")
