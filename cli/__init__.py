"""The commands `dagscope` and `dg`: thin; heavy imports stand inside the commands that need them."""
