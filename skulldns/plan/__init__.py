"""COMPARE what is served with what should be: the difference, its guard, and when to look again.

Law: imports `skulldns.model` and `skulldns.errors` only. Sees no file, socket, clock, environment, randomness
or log; time is an argument.
"""
