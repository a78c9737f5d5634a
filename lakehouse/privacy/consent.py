"""Who must not be in what leaves the house now, whatever the published tables say.

Published gold says who may be contacted as of its day (`gold.dim_consent`). A refusal that silver knows counts at once:
also after a run that its gates stopped, and after `lakehouse rollback`.
"""

from __future__ import annotations

ALL = "all"
"""A word without a purpose or channel, or on this, is a word on each."""


def refused(purpose: str, channel: str | None) -> str:
    """SQL of the customers whose last word in `silver.consents` is a refusal: one column, `customer_id`.

    The later word counts, and of two at the same time the refusal.

    Args:
        purpose: what for, in lower case.
        channel: over what, in lower case; None for a purpose without channels, which a refusal on any channel ends.
    """
    of_channel = f" and {_said('channel')} in ('{channel}', '{ALL}')" if channel else ""
    by_channel = "" if channel else f", {_said('channel')}"
    word = "2 * unix_micros(changed_at) + if(coalesce(is_granted, false), 0, 1)"
    return (
        f"select customer_id from silver.consents where {_said('purpose')} in ('{purpose}', '{ALL}'){of_channel} "
        f"group by customer_id{by_channel} having pmod(max({word}), 2) = 1"
    )


def _said(column: str) -> str:
    return f"coalesce(nullif(lower(trim({column})), ''), '{ALL}')"
