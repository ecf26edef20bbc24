"""Mutated projects: each loads, or every problem is reported in a line (`make fuzz`)."""
