"""One method of recommending per file, behind one door: `fit(seen, seed) -> Model`."""
