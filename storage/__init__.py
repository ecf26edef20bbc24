"""Durable state: the log, the status tables that follow it, and the frames; see docs/architecture.md."""
