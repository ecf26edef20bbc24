"""`python -m dagscope` is the command `dagscope`."""

from dagscope.cli.dagscope import main

main(prog_name="dagscope")
