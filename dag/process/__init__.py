"""The process of runs: project code runs in a process of its own, which the server talks to over sockets."""
