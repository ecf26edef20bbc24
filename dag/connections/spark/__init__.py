"""The engine `spark`."""
