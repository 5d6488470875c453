"""DECIDE what should be published: guests, zone YAML text and claims to records, with the reason of each refusal.

Law: imports `skulldns.model` and `skulldns.errors` only. Sees no file, socket, clock, environment, randomness
or log; time and text are arguments.
"""
