"""`python -m skulldns`."""

from skulldns.cli import program

program()
