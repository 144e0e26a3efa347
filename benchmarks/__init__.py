"""What photoenhance costs, beside what the published way of running the networks costs."""
