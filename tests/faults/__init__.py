"""Faults injected into a real server, and what must hold in spite of them. `make faults` runs them at full scale."""
