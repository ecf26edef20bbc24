"""Comparing two tasks: what differs, and what made nodes red."""
