"""Ten products for every customer, by the method that predicts best in this home, with a reason each."""
