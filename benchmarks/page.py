"""The results page of `make bench`: python benchmarks/page.py RESULTS.json [--page docs/benchmarks.md]

Writes the tables of the last run on each size and, beside the page, a plot of CPU seconds over rows.
"""

from __future__ import annotations

import argparse
import json
import statistics
from pathlib import Path
from typing import Any

TABLES = ("start", "bronze", "silver", "expectations", "gold", "merge", "tiny")
TOGETHER = ("bronze", "silver", "gold", "merge")
HEAD = """# Benchmarks

Each step of the main job beside what its best single-machine user would write: DuckDB or Polars with delta-rs for
tables, scikit-learn and implicit for models. `make bench` runs all sides in one run, on the same generated shop, in
fresh processes that take turns, and stops where their tables differ in a row or a value. The code of the peers is in
[benchmarks/peers](../benchmarks/peers). This page is made by `make bench SIZE=5m ARGS="--out bench.json"` (an hour, 20
GiB of memory, 40 GB of disk; `SIZE=1m` is a quarter of an hour) and `.venv/bin/python benchmarks/page.py bench.json`.

CPU seconds are those of the whole process tree, user and system. The ratio is the median of the rounds, with the least
and the largest in brackets. Ours makes more than the peer does: every row keeps file, batch and place; bronze is
profiled and compared with earlier batches; tables are dbt nodes with tests. `gold` builds four tables, of 24 to 64
columns, one of them laid out by day; the peers build the same four, with every column. `expectations` judges the events
of silver by their 20 rules, writes the verdicts and their page. `merge` lands 1 % more rows and brings silver up to
them. `tiny` builds 25 tables of a hundred rows with two tests each. Where two peers do a step, the cheaper is compared
with.

{machine}
"""


def page(results: dict[str, Any], picture: str) -> str:
    """The page as Markdown."""
    told = [HEAD.format(machine=results["machine"])]
    for size in results["sizes"]:
        lines, events = size["lines"], size["events"]
        told.append(f"## {size['customers']:,} customers: {lines:,} order lines, {events:,} events\n")
        told.append("| step | ours, CPU s | best peer, CPU s | ratio | wall s | peak MiB | written MiB |")
        told.append("|---|---|---|---|---|---|---|")
        told += [_row(step) for step in size["steps"]]
        tables = [step for step in size["steps"] if step["step"] in TOGETHER]
        ours, peer = (sum(_median(step[side or step["best"]]) for step in tables) for side in ("ours", None))
        told.append(f"| **bronze to merge** | **{ours:.1f}** | **{peer:.1f}** | **{ours / peer:.2f}** | | | |\n")
    if len(results["sizes"]) > 1:
        told.append("## Growth\n\nCPU seconds grow with customers to the power of, from each size to the next:\n")
        told.append("| step | ours | peer |\n|---|---|---|")
        told += [f"| {name} | {ours} | {peer} |" for name, ours, peer in results["growth"]]
        told.append(f"\n![CPU seconds over rows]({picture})\n")
    return "\n".join(told)


def _row(step: dict[str, Any]) -> str:
    ours, peer = step["ours"], step[step["best"]]
    ratios = sorted(a["cpu_s"] / b["cpu_s"] for a, b in zip(ours, peer, strict=True))
    pairs = [
        f"{_median(ours, name):.{digits}f} / {_median(peer, name):.{digits}f}"
        for name, digits in (("wall_s", 1), ("peak_mib", 0), ("written_mib", 0))
    ]
    others = "".join(
        f"; {side} {_median(costs):.1f}"
        for side, costs in step.items()
        if side not in ("step", "best", "ours", step["best"])
    )
    return (
        f"| {step['step']} | {_median(ours):.1f} | {_median(peer):.1f} ({step['best']}{others}) | "
        f"{statistics.median(ratios):.2f} ({ratios[0]:.2f}–{ratios[-1]:.2f}) | {' | '.join(pairs)} |"
    )


def _median(costs: list[dict[str, float]], name: str = "cpu_s") -> float:
    return statistics.median(cost[name] for cost in costs)


def draw(results: dict[str, Any], path: Path) -> None:
    """CPU seconds over rows, a line per step and side, both axes logarithmic."""
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "lakehouse"  # else every drawing has other ids
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, 2, figsize=(11, 4.5), sharey=True)
    names = [step["step"] for step in results["sizes"][0]["steps"]]
    sizes = [size["lines"] + size["events"] for size in results["sizes"]]
    for axis, group, title in (
        (axes[0], [name for name in names if name in TABLES], "tables"),
        (axes[1], [name for name in names if name not in TABLES], "models"),
    ):
        for number, name in enumerate(group):
            made = [
                (rows, step)
                for rows, size in zip(sizes, results["sizes"])
                for step in size["steps"]
                if step["step"] == name
            ]
            for side, line in (("ours", "-"), ("best", "--")):
                costs = [_median(step[step["best"] if side == "best" else side]) for _, step in made]
                axis.plot(
                    [rows for rows, _ in made],
                    costs,
                    line,
                    marker="o",
                    color=f"C{number}",
                    label=name if side == "ours" else None,
                )
        axis.set(xscale="log", yscale="log", xlabel="order lines and events", title=f"{title}: ours —, peer - -")
        axis.set_xticks(sizes, [f"{count / 1e6:.2g} M" for count in sizes])
        axis.minorticks_off()
        axis.grid(alpha=0.3)
        axis.legend(loc="upper center", bbox_to_anchor=(0.5, -0.16), ncols=4, frameon=False)
    axes[0].set_ylabel("CPU seconds")
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", type=Path)
    parser.add_argument("--page", type=Path, default=Path("docs/benchmarks.md"))
    given = parser.parse_args()
    results = json.loads(given.results.read_text())
    picture = given.page.with_suffix(".svg")
    draw(results, picture)
    given.page.write_text(page(results, picture.name), encoding="utf-8")


if __name__ == "__main__":
    main()
