"""Request and response bodies: the shapes of the HTTP API (spec, and contract where it is named)."""
