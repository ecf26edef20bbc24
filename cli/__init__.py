"""The commands `dagscope` and `dg`: thin, with heavy imports inside the commands that need them."""
