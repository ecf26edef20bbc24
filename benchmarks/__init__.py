"""Benchmarks of dagscope: ratios to something real, measured in the same run, with the machine and the date."""
