"""The measure of each task that a person asks for first; apart from the tasks, which take a second to import."""

from __future__ import annotations

ASKED_FIRST = {
    "segment": "silhouette",
    "recommend": "ndcg_at_10",
    "click": "log_loss",
    "value": "orders_mae",
    "budget": "later_return",
    "purchase": "auc",
    "churn": "integrated_brier_score",
    "text": "mood_auc",
    "traits": "gender_log_loss",
}
