"""Customers in a handful of named groups: K-means on standardised recency, frequency and value."""
