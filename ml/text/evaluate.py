"""How well moods are told: against the scores that customers gave later on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ml.arrays import Floats


@dataclass(frozen=True)
class Quality:
    """Of texts with a given share of the scale.

    Args:
        correlation: Pearson's, of predicted and given shares; 0 where one does not vary.
        log_loss: mean -(s ln p + (1 - s) ln(1 - p)).
        auc: how often a text above one half is ranked above one below, texts at one half left out; 0.5 without both.
        accuracy: share of the texts off one half that are told to be on their side of it.
    """

    correlation: float
    log_loss: float
    auc: float
    accuracy: float


def quality(predicted: Floats, given: Floats) -> Quality:
    """What predictions (0 to 1) are worth beside the given shares (0 to 1); at least one of them."""
    from sklearn.metrics import roc_auc_score

    varies = min(np.ptp(predicted), np.ptp(given)) > 0
    correlation = float(np.corrcoef(predicted, given)[0, 1]) if varies else 0.0
    safe = np.clip(predicted, 1e-12, 1 - 1e-12)
    loss = float(-(given * np.log(safe) + (1 - given) * np.log(1 - safe)).mean())
    sided = given != 0.5
    is_praise = given[sided] > 0.5
    has_both = 0 < is_praise.sum() < len(is_praise)
    auc = float(roc_auc_score(is_praise, predicted[sided])) if has_both else 0.5
    accuracy = float(((predicted[sided] > 0.5) == is_praise).mean()) if sided.any() else 0.0
    return Quality(correlation, loss, auc, accuracy)
