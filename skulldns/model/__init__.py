"""Frozen values: names, addresses, records, guests, claims, plans.

Law: imports `skulldns.errors` only. Sees no file, socket, clock, environment, randomness or log.
"""
