"""Measuring dagscope: ratios against something real, in one run, printed with machine and date."""
