"""Mutated projects: each loads, or gets a line for each thing that is wrong with it (`make fuzz`)."""
