"""`dg plus` and `dagscope plus`: query runs on a server. Imports neither server nor storage."""
