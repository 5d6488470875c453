"""Templates of the web proxy's files; README.md documents their variables."""
