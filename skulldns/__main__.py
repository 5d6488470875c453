"""`python -m skulldns`."""

from skulldns.cli import main

main(prog_name="skulldns")
