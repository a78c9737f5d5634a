"""Ten products for every customer: alternating least squares on implicit feedback, with a reason each."""
