"""Teal 1.3's shapes: a translation of requests and answers around the handlers of the API (docs/teal.md)."""
