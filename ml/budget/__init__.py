"""How much of a budget each channel gets: a linear program, with the price of every limit."""
