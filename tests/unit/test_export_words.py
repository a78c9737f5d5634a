from __future__ import annotations

import pytest

from lakehouse.errors import InputError
from lakehouse.export import refuse_written_words


def test_what_customers_wrote_does_not_leave_the_house() -> None:
    refuse_written_words("dim_customer", ["customer_id", "full_name"])
    with pytest.raises(InputError, match=r"gold.feat_ticket_text holds what customers wrote \(body, subject\)"):
        refuse_written_words("feat_ticket_text", ["ticket_id", "Subject", "body"])
