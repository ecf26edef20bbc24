"""The page for the browser: its built files, the layout of the graph, and the plain list of endpoints."""
