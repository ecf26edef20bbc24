"""Executing a task: the runner, and what it does with one asset."""
