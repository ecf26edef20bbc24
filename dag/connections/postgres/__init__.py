"""The engine `postgres`."""
