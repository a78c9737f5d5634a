"""Whether what our fits find is as good as what the libraries found by themselves, on the same arrays."""

from __future__ import annotations

from pathlib import Path

import numpy as np


def compare(step: str, inputs: Path, ours: Path, peer: Path) -> None:
    """Compare the files that a step of both sides wrote.

    Raises:
        SystemExit: ours is not as good; says by what measure.
    """
    a, b = np.load(ours), np.load(peer)
    if step == "als":
        shared = _shared(_best(b["users"], a["items"]), _best(b["users"], b["items"]))
        _demand(step, "share of the ten best products that both name", shared, least=0.95)
    elif step == "top_k":
        _demand(step, "share of the ten best products that both name", _shared(a["best"], b["best"]), least=0.9999)
    elif step == "k_means":
        points = np.load(inputs / "points.npz")["points"]
        _demand(
            step,
            "inertia of the peer over ours",
            _inertia(points, b["centres"]) / _inertia(points, a["centres"]),
            0.999,
        )
    else:
        shown = np.load(inputs / "impressions.npz")
        rows = shown["columns"].reshape(len(shown["label"]), -1)
        losses = [_log_loss(f["coefficients"], f["intercept"], rows, shown["label"]) for f in (a, b)]
        _demand(step, "penalised loss of the peer over ours", losses[1] / losses[0], least=0.9999)


def _demand(step: str, what: str, value: float, least: float) -> None:
    if not value >= least:
        raise SystemExit(f"{step}: {what} is {value:.5f}, not at least {least}")


def _best(users: np.ndarray, items: np.ndarray, k: int = 10) -> np.ndarray:
    some = users[:: max(1, len(users) // 2000)]
    return np.argsort(-(some @ items.T), axis=1)[:, :k]


def _shared(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.mean([len(np.intersect1d(x, y)) / len(x) for x, y in zip(a, b, strict=True)]))


def _inertia(points: np.ndarray, centres: np.ndarray) -> float:
    return float(sum(((points[:, None] - centres[None]) ** 2).sum(axis=2).min(axis=1)))


def _log_loss(coefficients: np.ndarray, intercept: np.ndarray, rows: np.ndarray, label: np.ndarray) -> float:
    """What both minimise: the mean loss in which clicks and others weigh the same, and 0.01 / 2 of the squared norm."""
    logit = coefficients[rows].sum(axis=1) + intercept[0]
    weight = np.where(label > 0, (label == 0).sum() / label.sum(), 1.0)
    loss = np.logaddexp(0.0, logit) - label * logit
    return float((weight * loss).sum() / weight.sum() + 0.005 * (coefficients**2).sum())
