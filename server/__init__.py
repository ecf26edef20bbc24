"""The Starlette server: the HTTP API, the event stream, and the workspace they look at; see docs/architecture.md."""
