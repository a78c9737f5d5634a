"""Maximum likelihood over positive parameters: L-BFGS-B on their logarithms, from several starts."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from scipy.optimize import minimize

from ml.arrays import Floats

Likelihood = Callable[[Floats], "tuple[float, Floats]"]
"""The log-likelihood at the logarithms of the parameters, and its gradient in them."""

FARTHEST = 10.0
"""How far a logarithm may go from 0. A likelihood that only nears its supremum as a parameter goes to 0 or infinity
(nobody leaves, all values alike) is stopped there: e^10 is 22,026."""


def maximise(likelihood: Likelihood, starts: Sequence[Floats], tolerance: float = 1e-15) -> tuple[Floats, float]:
    """The best logarithms of the parameters that any start leads to, and the log-likelihood there.

    The first start wins a tie, so that the answer does not depend on anything but the rows and the starts.

    Args:
        tolerance: of the log-likelihood, as a share of it: a step that gains less is the last.
    """
    found = [_climb(likelihood, start, tolerance) for start in starts]
    return max(found, key=lambda pair: pair[1])


def _climb(likelihood: Likelihood, start: Floats, tolerance: float) -> tuple[Floats, float]:
    def downhill(at: Floats) -> tuple[float, Floats]:
        value, gradient = likelihood(at)
        return -value, -gradient

    ended = minimize(
        downhill,
        start,
        jac=True,
        method="L-BFGS-B",
        bounds=[(-FARTHEST, FARTHEST)] * len(start),
        options={"maxiter": 1000, "ftol": tolerance, "gtol": 1e-9},
    )
    return np.asarray(ended.x, dtype=np.float64), float(-ended.fun)
