"""docs/evaluation.md: what `make evaluate ARGS=--write` found, a section a task, below what is written by hand.

What stands above `MARK` is left as it is. Below it are the checks that issue 7 asks for, each with the figures that
answer it, and then every figure of each task. A task that was not measured this time keeps its section.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lakehouse.evaluations import Figure

MARK = "<!-- What follows is written by `make evaluate ARGS=--write`. -->"
HEADING = "## "
EMPTY = f"# Evaluation\n\n{MARK}\n"


@dataclass(frozen=True)
class Check:
    """What the issue asks of a task.

    Args:
        figures: a regular expression that the names of the figures which answer it match.
    """

    task: str
    asks: str
    figures: str


CHECKS = (
    Check("recommend", "explicit ALS reproduces the MovieLens protocol (RMSE, MAE)", "^explicit ALS"),
    Check("recommend", "implicit ALS within 2 % of `implicit` on the same split", "^implicit ALS"),
    Check("recommend", "a figure for each method, on ml-100k beside the published ones", "^MovieLens 100k.*by film"),
    Check(
        "recommend", "what serves reaches at least SAR's published nDCG@10 on ml-100k", "^MovieLens 100k.*what serves"
    ),
    Check("recommend", "a shop that nothing was developed on", "^generated shop"),
    Check("recommend, at scale", "the items of `recommendForAllUsers` and of brute force", "^top_k.*same items"),
    Check("recommend, at scale", "at most 3 CPU s per 1e9 scores: factors", "^top_k.*factors alone"),
    Check(
        "recommend, at scale", "at most 3 CPU s per 1e9 scores: each method from histories on", "^top_k.*histories on"
    ),
    Check("recommend, at scale", "memory bounded by blocks", "^top_k: MiB"),
    Check("segment", "inertia within 1 % of scikit-learn's best of ten", "^segment.*inertia"),
    Check("segment", "adjusted Rand over seeds at least 0.95", "^segment.*adjusted Rand of"),
    Check("segment", "ids do not shuffle between runs", "^segment.*keep their id"),
    Check("segment", "planted segments with adjusted Rand at least 0.9: kinds far apart", "^segment.*kinds far apart"),
    Check(
        "segment",
        "planted segments with adjusted Rand at least 0.9: the generated shop's",
        "^segment.*planted segments",
    ),
    Check(
        "value",
        "BG/NBD on CDNOW: r .243, α 4.414, a .793, b 2.426, LL −9582.4",
        "^value, CDNOW.*(BG/NBD|log-likelihood)",
    ),
    Check("value", "Gamma-Gamma on CDNOW: p 6.25, q 3.74, v 15.45", "^value, CDNOW.*Gamma-Gamma"),
    Check("value", "expectations beside the papers' forms and an integral", "^value, CDNOW: (farthest|orders of)"),
    Check("value", "later periods of real shops beside the rate so far", "^value, (CDNOW, 39|Online Retail)"),
    Check("value", "later quarters of generated shops beside the rate so far", "^value, generated"),
    Check("click", "log loss within 0.001 of scikit-learn on the same features", "^click.*(fit beside|step by step)"),
    Check("click", "AUC, PR-AUC and log loss beside the base rate", "^click, shop.*(base rate|AUC|average precision)"),
    Check("click", "calibration error at most 0.01 on the sample", "^click, shop.*calibration error"),
    Check("click", "iPinYou by time, an honest figure", "^click, iPinYou"),
    Check("click", "a log that only the evaluation reads: Open Bandit", "^click, Open Bandit"),
    Check("purchase", "online shoppers: AUC at least 0.92 in five folds", "^purchase.*AUC"),
    Check(
        "purchase", "accuracy, PR-AUC and log loss beside knowing nothing", "^purchase.*(accuracy|precision|log loss)"
    ),
    Check("churn", "Rossi's published coefficients to three places", "coefficients of rossi"),
    Check("churn", "concordance on planted churn dates, beside recency", "(?i)days, seed.*concordance"),
    Check("churn", "integrated Brier score on planted churn dates", "days, seed.*integrated Brier"),
    Check(
        "churn",
        "level, the lapsed and intervals on planted churn dates",
        "days, seed.*(mean probability|lapsed|intervals)",
    ),
    Check("tags", "the worked case: 0.7675", "^tags: 1 of 3"),
    Check("tags", "scikit-learn's on the same rows with its formula", "^tags: scikit"),
    Check("text", "waimai: accuracy at least .877, F1 at least .820", "^text: waimai, (accuracy|F1)"),
    Check("text", "Amazon snippets: correlation at least 0.5", "^text: Amazon.*correlation"),
    Check("text", "the language of each text", "^text.*share told"),
    Check("text", "the same by a Spark NLP pipeline", "^text by Spark NLP"),
    Check("gender, spending power", "planted gender, hidden from the model", "^gender"),
    Check("gender, spending power", "spending of the next 90 days", "^spending"),
    Check("gender, spending power", "names by the table of characters", "^(name |likelier|\\d+ given names)"),
    Check("budget", "the worked case: 84,125 at 10,000/2,250/15,000", "^budget, three channels"),
    Check("budget", "HiGHS agrees on 1,000 random cases, prices and conflicts too", "^budget, random"),
    Check("planted defects", "at least 99 % found, at most 0.1 % false alarms", "^defects"),
)


def written(page: str, told: Mapping[str, Sequence[Figure]], how: Mapping[str, str]) -> str:
    """The page with these tasks' sections made anew.

    Args:
        page: as it is; its part above `MARK` stays.
        told: the figures of each task that was measured.
        how: a sentence of each on when, how long and at what.
    """
    head, _, below = (page if MARK in page else EMPTY).partition(MARK)
    sections = _sections(below) | {name: _section(name, rows, how[name]) for name, rows in told.items()}
    every = [row for name in sorted(sections) for row in _rows(sections[name])]
    return "\n".join([head + MARK, "", _checks(every), *(sections[name] for name in sorted(sections))])


def checked(figures: Sequence[Figure]) -> list[tuple[Check, list[Figure]]]:
    """Each check with the figures that answer it, those without any left out."""
    found = [(check, [one for one in figures if re.search(check.figures, one.what)]) for check in CHECKS]
    return [(check, rows) for check, rows in found if rows]


def summed_up(rows: Sequence[Figure]) -> tuple[str, str, str]:
    """Our figure, the reference and whether it is reached: of one figure itself, of several how many and which not."""
    if len(rows) == 1:
        return rows[0].ours, rows[0].reference, _yes(rows[0].passed)
    missed = [one for one in rows if not one.passed]
    told = f"{len(rows) - len(missed)} of {len(rows)} figures"
    if not missed:
        return told, "as below", _yes(True)
    named = "; ".join(f"{one.what}: {one.ours} ({one.reference})" for one in missed)
    return f"{told}; not {named}", "as below", _yes(False)


def _checks(figures: Sequence[Figure]) -> str:
    lines = [
        f"{HEADING}The checks of issue 7\n",
        "| task | asked | ours | reference | reached |",
        "|---|---|---|---|---|",
    ]
    for check, rows in checked(figures):
        lines.append(_line([check.task, check.asks, *summed_up(rows)]))
    return "\n".join([*lines, ""])


def _section(name: str, rows: Sequence[Figure], how: str) -> str:
    reached = sum(one.passed for one in rows)
    lines = [f"{HEADING}{name}\n", f"{reached} of {len(rows)} reached. {how}\n"]
    lines += ["| figure | ours | reference | reached |", "|---|---|---|---|"]
    return "\n".join([*lines, *(_line([one.what, one.ours, one.reference, _yes(one.passed)]) for one in rows), ""])


def _sections(below: str) -> dict[str, str]:
    """The tasks' sections by name, as they are written."""
    parts = re.split(f"^{HEADING}", below, flags=re.MULTILINE)[1:]
    found = {part.split("\n", 1)[0]: f"{HEADING}{part.rstrip()}\n" for part in parts}
    return {name: part for name, part in found.items() if name != "The checks of issue 7"}


def _rows(section: str) -> list[Figure]:
    """The figures that a section tells."""
    lines = [line for line in section.splitlines() if line.startswith("| ")][1:]
    cells = [[cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]
    return [Figure(what, ours, reference, reached == "yes") for what, ours, reference, reached in cells]


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _yes(passed: bool) -> str:
    return "yes" if passed else "**no**"
