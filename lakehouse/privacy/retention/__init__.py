"""Retention by age: what is past what `classes.yml` declares goes (docs/decisions/0036-retention.md)."""
