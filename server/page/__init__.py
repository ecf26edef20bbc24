"""The page for the browser: its built files, and the plain list of endpoints."""
