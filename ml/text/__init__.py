"""What customers write: language, sentiment and topic of every service ticket."""
