"""Who buys within the next 30 days: a random forest on what each customer did up to a day."""
