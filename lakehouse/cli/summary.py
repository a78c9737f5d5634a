"""The short report that `lakehouse run` ends with."""

from __future__ import annotations

from typing import Any

from rich.console import Console

from lakehouse.cli.screen import print_rows
from ml.asked_first import ASKED_FIRST

ASSUMED = ": no source brings consents, so that consent was assumed (setting assume_consent)"


def print_summary(screen: Console, summary: dict[str, Any]) -> None:
    """Rows, rules, segments, one customer, models and where to look."""

    def say(text: str = "") -> None:
        screen.print(text, markup=False)

    say(f"\nPublished as of {summary['as_of_on']}")
    for layer, tables in summary["rows"].items():
        say(f"  {layer:<8} {sum(tables.values()):>12,} rows in {len(tables)} tables")
    held_back = {reason: count for reason, count in summary["quarantined"].items() if count}
    if held_back:
        say("  quarantined: " + ", ".join(f"{count:,} {reason}" for reason, count in held_back.items()))
    rules = summary["rules"]
    say(f"\nRules: {rules['passed']} passed, {rules['failed']} failed")
    for warning in rules["warnings"]:
        say(f"  warning: {warning}")
    if summary["segments"]:
        say("\nSegments")
        print_rows(
            screen,
            ["segment", "customers", "revenue"],
            [[s["segment_name"], s["customers"], round(s["revenue_amount"], 2)] for s in summary["segments"]],
        )
    if consent := summary.get("consent"):  # a cluster's image may be older than this laptop
        say(f"\n{consent['contactable']:,} customers may be contacted" + (ASSUMED if consent["is_assumed"] else ""))
    if summary["customer"]:
        say(f"\nWhat to offer customer {summary['customer']['customer_id']}")
        print_rows(
            screen,
            ["rank", "product", "title", "reason"],
            [
                [row["rank"], row["product_id"], row.get("title"), row["reason"]]
                for row in summary["customer"]["recommendations"][:5]
            ],
        )
    if summary["models"]:
        say("\nModels against their baselines")
        print_rows(
            screen,
            ["task", "metric", "value", "baseline", "baseline value"],
            [
                [m["task"], m["metric"], _rounded(m["value"]), m["baseline"], _rounded(m["baseline_value"])]
                for m in summary["models"]
                if _is_asked_first(m)
            ],
        )
        say("  every measure of a task, with its interval: lakehouse evaluate TASK")
    say("\nLook at")
    for name, path in summary["paths"].items():
        say(f"  {name:<10} {path}")


def _is_asked_first(measure: dict[str, Any]) -> bool:
    """Whether a person asks for this one first; any, of a task that only a cluster of another version has."""
    return bool(measure["metric"] == ASKED_FIRST.get(measure["task"], measure["metric"]))


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
