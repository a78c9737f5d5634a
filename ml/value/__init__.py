"""What each customer will still buy: BG/NBD for how often, Gamma-Gamma for how much."""
