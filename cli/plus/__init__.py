"""`dg plus` and `dagscope plus`: asking a server about runs. Imports neither server nor storage."""
