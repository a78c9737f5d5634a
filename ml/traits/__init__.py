"""What customers are likely to be: their gender, where nobody tells it, and what they spend when they buy."""
