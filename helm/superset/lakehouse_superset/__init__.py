"""Superset over the lakehouse's SQL endpoint: `spark://user:password@host:10000/gold`."""
