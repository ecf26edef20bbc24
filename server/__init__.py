"""The Starlette server: the HTTP API, the event stream, and the workspace that they serve; see docs/architecture.md."""
