"""All that is held of a person, as a page for that person: in their words first, the records of machines last."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from html import escape
from typing import Any

from lakehouse.privacy.pages import facts, listed, page, table

MOST_ROWS = 40
MOST_COLUMNS = 9
NO_NEWS = ("source", "customer_id", "attributes")
"""Columns that say in every row what the page says already."""
OWN_WORDS = {
    "customers": "Your profile",
    "order_lines": "What you ordered",
    "events": "What you did in the app and on the site",
    "impressions": "Advertisements that you were shown",
    "sends": "Messages that were sent to you",
    "tickets": "What you asked our service",
    "memberships": "Your membership",
    "consents": "What you agreed to, and what you refused",
    "suppressions": "That you want no contact",
    "locations": "Where you were, to about a kilometre",
    "accounts": "Your accounts",
    "holdings": "What is in your accounts",
    "ratings": "What you rated",
    "partner_members": "What partners told us of you",
    "third_party_profiles": "What we bought about you",
}


def subject_page(told: Mapping[str, Any]) -> str:
    """The page of an export, from its content."""
    places = told["places"]
    silver = [one for one in places if one["table"].startswith("silver.")]
    made = [one for one in places if one["table"].startswith(("gold.", "ml."))]
    raw = [one for one in places if one["table"].startswith("bronze.")]
    order = list(OWN_WORDS)
    silver.sort(key=lambda one: _place_of(order, one["table"].partition(".")[2]))
    body = [
        "<h1>What we hold about you</h1>",
        f"<p class='lead'>Everything that is stored about customer {escape(told['customer'])}, as of "
        f"{escape(told['made_at'].replace('T', ' ').replace('+00:00', ' UTC'))}. The file of the same name that ends "
        "in .json holds all of it, row by row; long lists are shortened here and say so.</p>",
        facts(
            [
                ("customer", told["customer"]),
                ("kept under the pseudonym", told["pseudonym"]),
                ("came from", ", ".join(told["sources"]) or "nowhere any more"),
                ("use", "restricted: kept, and used for nothing" if told["is_restricted"] else "not restricted"),
            ]
        ),
        "<h2>Who you are</h2>" + _identifiers(told),
        *(_section(_title(one["table"]), one) for one in silver),
        "<h2>What we made of it</h2><p>Counts, scores and guesses that are worked out from the above.</p>",
        *(_section(one["table"], one, level=3) for one in made),
        "<h2>What it is used for, and how long it is kept</h2>" + _purposes(told),
        "<h2>Who looked</h2>" + _seen(told),
        "<h2>Where it went</h2>" + _given(told),
        "<h2>The records as they came</h2><p>The same as above, in the words of the systems it came from; each row is "
        "in the .json file.</p>"
        + table(("table", "from", "rows"), [(o["table"], o["about"], len(o["rows"])) for o in raw]),
        "<h2>Your rights</h2>"
        + listed(
            [
                "to have it put right where it is wrong (GDPR 16, PIPL 46)",
                "to have it erased (GDPR 17, PIPL 47), with a certificate",
                "to have it kept and used for nothing while something is in dispute (GDPR 18)",
                "to object to marketing and to being profiled for it (GDPR 21, PIPL 24), at any time",
                "to take this with you: the .json file is made to be read by another system (GDPR 20, PIPL 45)",
            ]
        ),
    ]
    return page(f"What we hold about {told['customer']}", "".join(body))


def _title(name: str) -> str:
    plain = name.partition(".")[2]
    return OWN_WORDS.get(plain, plain.replace("_", " "))


def _place_of(order: Sequence[str], entity: str) -> int:
    return order.index(entity) if entity in order else len(order)


def _identifiers(told: Mapping[str, Any]) -> str:
    if not told["identifiers"]:
        return '<p class="none">No name, phone number, e-mail address or the like is held.</p>'
    parts = []
    for one in told["identifiers"]:
        parts.append(f"<h3>{escape(one['entity'].replace('_', ' '))}, from {escape(one['source'])}</h3>")
        parts.append(facts([(name.replace("_", " "), value) for name, value in one["values"].items()]))
    return "<p>Kept encrypted, with a key that is yours alone.</p>" + "".join(parts)


def _section(title: str, place: Mapping[str, Any], level: int = 2) -> str:
    rows = place["rows"]
    head = f"<h{level}>{escape(title)}</h{level}>"
    about = f"<p class='lead'>{escape(place['about'])}</p>" if place["about"] else ""
    names = [name for name in dict.fromkeys(n for row in rows for n in row) if not _is_lineage(name)]
    if len(rows) == 1:
        told = [(name, rows[0].get(name), place["columns"].get(name, "")) for name in names]
        return head + about + table(("what", "value", "meaning"), [(n, shown(v), m) for n, v, m in told])
    names = [name for name in names if name not in NO_NEWS]
    times = [name for name in names if any(isinstance(row.get(name), (datetime, date)) for row in rows)]
    if times:
        rows = sorted(rows, key=lambda row: shown(row.get(times[0])))
    alike = [n for n in names if len({shown(row.get(n)) for row in rows}) == 1]
    differing = sorted((n for n in names if n not in alike), key=lambda name: name not in times)
    same = facts([(name, shown(rows[0].get(name))) for name in alike]) if alike else ""
    cells = [[shown(row.get(name)) for name in differing[:MOST_COLUMNS]] for row in rows[:MOST_ROWS]]
    dropped = [f"{len(rows) - MOST_ROWS:,} more rows" if len(rows) > MOST_ROWS else ""]
    dropped.append(f"columns {', '.join(differing[MOST_COLUMNS:])}" if len(differing) > MOST_COLUMNS else "")
    more = "; ".join(filter(None, dropped))
    note = f'<p class="none">In the .json file besides: {escape(more)}.</p>' if more else ""
    in_each = f"<details><summary>the same in all {len(rows):,} rows</summary>{same}</details>" if same else ""
    return head + about + table(differing[:MOST_COLUMNS], cells) + in_each + note


def shown(value: Any) -> str:
    """A value as a person reads it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M}"
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, Decimal):
        return f"{value.normalize():f}" if value else "0"
    if isinstance(value, dict):
        return ", ".join(f"{name}: {shown(one)}" for name, one in value.items() if one is not None)
    if isinstance(value, (list, tuple)):
        return ", ".join(shown(one) for one in value)
    return "" if value is None else str(value)


def _is_lineage(name: str) -> bool:
    return name.startswith("_") or name == "model_version"


def _purposes(told: Mapping[str, Any]) -> str:
    rows = [
        (
            _title(f"silver.{one['of']}"),
            purpose.replace("_", " "),
            ", ".join(f"{n} ({days} days)" if (days := one["columns_kept_days"].get(n)) else n for n in columns),
            "as long as you are a customer" if one["kept_days"] is None else f"{one['kept_days']:,} days",
        )
        for one in told["purposes"]
        for purpose, columns in one["purposes"].items()
    ]
    return table(("what", "purpose", "columns", "kept"), rows)


def _seen(told: Mapping[str, Any]) -> str:
    if not told["seen_by"]:
        return '<p class="none">Nobody has looked at your identifiers.</p>'
    return table(
        ("when", "who", "what", "why"),
        [(one["at"][:16].replace("T", " "), one["user"], one["action"], one["reason"]) for one in told["seen_by"]],
    )


def _given(told: Mapping[str, Any]) -> str:
    if not told["given_to"]:
        return '<p class="none">No table with people in it has left the house.</p>'
    return "<p>Tables that you were, or may have been, in:</p>" + table(
        ("when", "what", "to", "for"),
        [
            (
                shown(one["exported_at"]),
                one["table_name"],
                one["target"],
                " by ".join(filter(None, (one["purpose"], one["channel"]))),
            )
            for one in told["given_to"]
        ],
    )
