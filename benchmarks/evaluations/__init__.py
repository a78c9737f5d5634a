"""What each task reaches, beside what is known of the data."""
