"""What customers are likely to be: their gender, where nobody tells it, and what they will spend if they buy."""
