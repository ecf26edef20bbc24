"""What every endpoint shares: requests, answers, shapes, the guard."""
