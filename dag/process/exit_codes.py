"""Exit codes of the process of runs that say why it has ended itself."""

SERVER_GONE = 70
"""Its socket was closed: by the end of the server, or by an asset."""

FAULT = 71
"""A thread that the process cannot do without has failed; standard error says how."""

OUT_OF_MEMORY = 72
"""Such a thread had no memory left."""
