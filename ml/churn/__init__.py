"""Who is about to fall silent, and when: survival of buyers, right-censored (decision 15)."""
