"""Shared by all endpoints: requests, answers, shapes, the guard."""
