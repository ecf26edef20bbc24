"""Faults put into a real server, and what must hold in spite of them; `make faults` runs the full figures."""
