"""How likely an impression is to be clicked: a calibrated logistic regression on categories."""
