"""`orders/orders-YYYY-MM.csv.gz`: the order system's export, with the planted defects of order lines."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lakehouse.synth import writing
from lakehouse.synth.advertising import CAMPAIGNS
from lakehouse.synth.arrays import Ints
from lakehouse.synth.catalogue import Catalogue
from lakehouse.synth.defects import Ledger, copies_order, cut
from lakehouse.synth.keys import campaign_code, customer_codes, order_codes, product_codes
from lakehouse.synth.orders import PAYMENTS, OrderLines
from lakehouse.synth.seasons import Calendar
from lakehouse.synth.stores import Stores, store_codes

HEADER = (
    "order_no,line_no,cust_no,sku,order_time,qty,price,discount_amt,status,sale_channel,store_code,"
    "campaign_code,pay_method,orig_order_no,orig_line_no"
)
SALE_CHANNELS = ("app", "web", "mini_program", "store")
PRICE_OUTLIER_MIN_LINES = 8  #: a product's median price means something from so many sales on
NO_CUSTOMER, NO_PRODUCT = 9_000_000, 90_000  #: numbers from here on are nobody's and nothing's
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def slash_time(seconds: int) -> str:
    """`2025/3/4 9:05`, as spreadsheets write it (the seconds are lost)."""
    moment = np.datetime64(seconds, "s").item()
    return f"{moment.year}/{moment.month}/{moment.day} {moment.hour}:{moment.minute:02d}"


def month_name_time(seconds: int) -> str:
    """`04-Mar-2025 09:05:17`, as some databases write it."""
    moment = np.datetime64(seconds, "s").item()
    return f"{moment.day:02d}-{MONTHS[moment.month - 1]}-{moment.year} {moment:%H:%M:%S}"


def other_formats(seconds: Ints) -> tuple[list[str], Ints]:
    """The times in the two other formats, alternately, and the local second that each text still says."""
    planted, said = [], seconds.copy()
    for index, second in enumerate(seconds.tolist()):
        if index % 2:
            planted.append(month_name_time(second))
        else:
            planted.append(slash_time(second))
            said[index] = second - second % 60
    return planted, said


def _columns(calendar: Calendar, lines: OrderLines, catalogue: Catalogue, stores: Stores) -> dict[str, pa.Array]:
    size = len(lines.order)
    blank = writing.texts([""])
    order = pc.if_else(pa.array(lines.is_return), order_codes("RT", lines.order), order_codes("SO", lines.order))
    status = np.where(lines.is_cancelled, 1, np.where(lines.is_return, 2, 0))
    campaigns = writing.texts(["", *(campaign_code(c) for c in range(len(CAMPAIGNS)))])
    original = writing.blank_where(order_codes("SO", lines.original_order), lines.original_order == 0)
    original_line = writing.blank_where(writing.whole_numbers(lines.original_line), lines.original_order == 0)
    store_table = pa.concat_arrays([blank, store_codes(stores, np.arange(len(stores.city), dtype=np.int64))])
    return {
        "order_no": order,
        "line_no": writing.whole_numbers(lines.line),
        "cust_no": customer_codes(lines.who),
        "sku": writing.look_up(product_codes(np.arange(len(catalogue), dtype=np.int64)), lines.product),
        "order_time": writing.times(lines.ordered_s),
        "qty": writing.whole_numbers(lines.quantity),
        "price": writing.money(lines.unit_price),
        "discount_amt": writing.money(lines.discount),
        "status": writing.look_up(writing.texts(["completed", "cancelled", "returned"]), status),
        "sale_channel": writing.look_up(writing.texts(SALE_CHANNELS), lines.channel),
        "store_code": writing.look_up(store_table, lines.store + 1),
        "campaign_code": writing.look_up(campaigns, lines.campaign + 1),
        "pay_method": writing.look_up(writing.texts(PAYMENTS), lines.payment),
        "orig_order_no": original if size else blank[:0],
        "orig_line_no": original_line if size else blank[:0],
    }


def write_orders(
    directory: Path,
    ledger: Ledger,
    calendar: Calendar,
    lines: OrderLines,
    catalogue: Catalogue,
    stores: Stores,
) -> dict[str, int]:
    """Write the monthly files; returns records per file.

    Lines that are returned later, and the returns, carry no defect that changes or loses them.
    """
    size = len(lines.order)
    rng = ledger.rng
    columns = _columns(calendar, lines, catalogue, stores)
    keys = writing.joined(columns["order_no"], "|", columns["line_no"])
    is_plain = ~lines.is_return & ~lines.is_taken_back & ~lines.is_cancelled
    sold = np.bincount(lines.product[is_plain], minlength=len(catalogue))
    is_common = is_plain & (sold >= min(PRICE_OUTLIER_MIN_LINES, sold.max(initial=0)))[lines.product]
    eligible = {("outlier", "quantity"): is_plain, ("outlier", "unit_price"): is_common,
                ("negative_price", "unit_price"): is_plain, ("unknown_key", "customer_id"): is_plain,
                ("unknown_key", "product_id"): is_plain, ("impossible_date", "ordered_at"): is_plain,
                ("truncated_line", ""): is_plain}  # fmt: skip
    chosen = ledger.choose("order_lines", size, eligible)
    notes: list[tuple[str, str, Ints, list[str], list[str]]] = []

    def plant(defect: str, column: str, raw: str, planted: list[str], truth: list[str]) -> None:
        rows = chosen[defect, column]
        columns[raw] = writing.put(columns[raw], rows, planted)
        notes.append((defect, column, rows, planted, truth))

    def true_values(defect: str, column: str, raw: str) -> list[str]:
        taken: list[str] = columns[raw].take(pa.array(chosen[defect, column])).to_pylist()
        return taken

    def utc(rows: Ints) -> list[str]:
        result: list[str] = writing.utc_times(rows).to_pylist()
        return result

    rows = chosen["outlier", "quantity"]
    plant("outlier", "quantity", "qty", [str(q * 100) for q in lines.quantity[rows].tolist()],
          true_values("outlier", "quantity", "qty"))  # fmt: skip
    rows = chosen["outlier", "unit_price"]
    plant("outlier", "unit_price", "price", writing.money(lines.unit_price[rows] * 50).to_pylist(),
          true_values("outlier", "unit_price", "price"))  # fmt: skip
    rows = chosen["negative_price", "unit_price"]
    plant("negative_price", "unit_price", "price", writing.money(-lines.unit_price[rows]).to_pylist(),
          true_values("negative_price", "unit_price", "price"))  # fmt: skip
    rows = chosen["unknown_key", "customer_id"]
    strangers = customer_codes(NO_CUSTOMER + np.arange(len(rows), dtype=np.int64)).to_pylist()
    plant(
        "unknown_key",
        "customer_id",
        "cust_no",
        strangers,
        true_values("unknown_key", "customer_id", "cust_no"),
    )
    rows = chosen["unknown_key", "product_id"]
    no_products = product_codes(NO_PRODUCT + np.arange(len(rows), dtype=np.int64) % 9_000).to_pylist()
    plant("unknown_key", "product_id", "sku", no_products, true_values("unknown_key", "product_id", "sku"))
    rows = chosen["date_format", "ordered_at"]
    planted, said = other_formats(lines.ordered_s[rows])
    plant("date_format", "ordered_at", "order_time", planted, utc(said))
    rows = chosen["impossible_date", "ordered_at"]
    times = true_values("impossible_date", "ordered_at", "order_time")
    plant("impossible_date", "ordered_at", "order_time", [f"{t[:4]}-02-30{t[10:]}" for t in times],
          utc(lines.ordered_s[rows]))  # fmt: skip

    text = writing.delimited_lines(list(columns.values()))
    rows = chosen["truncated_line", ""]
    whole: list[str] = text.take(pa.array(rows)).to_pylist()
    planted = cut(whole, rng, ",")
    text = writing.put(text, rows, planted)
    notes.append(("truncated_line", "", rows, planted, whole))

    records: dict[str, int] = {}
    duplicates = chosen["exact_duplicate", ""]
    month = calendar.month_of(lines.ordered_s)
    for number, name in enumerate(calendar.months):
        low, high = np.searchsorted(month, [number, number + 1])
        file = f"orders/orders-{name}.csv.gz"
        source = duplicates[(duplicates >= low) & (duplicates < high)] - low
        order = copies_order(int(high - low), source, 1 + source % 7)
        record = np.empty(len(order), dtype=np.int64)
        record[order] = np.arange(1, len(order) + 1)
        from_line = np.r_[np.arange(high - low), source][order] + low
        writing.write_lines(directory / file, writing.look_up(text, from_line), HEADER)
        records[file] = len(order)
        for defect, column, rows, planted, truth in notes:
            first, last = np.searchsorted(rows, [low, high])
            here = rows[first:last]
            ledger.note(defect, "order_lines", column, file, record[here - low], writing.look_up(keys, here),
                        planted[first:last], truth[first:last])  # fmt: skip
        ledger.note("exact_duplicate", "order_lines", "", file, record[high - low :],
                    writing.look_up(keys, source + low))  # fmt: skip
    return records
