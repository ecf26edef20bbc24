"""Loading a project from its files, and checking it."""
