"""The domain: projects of SQL assets, their graph, and the runner that executes them.

Knows nothing of HTTP, SQLite or the command line; see docs/architecture.md.
"""
