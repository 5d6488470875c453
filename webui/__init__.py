"""The page of the members: its own process and its own user, without a TSIG key or a CA key.

Law: imports `skulldns.model`, `skulldns.store`, `skulldns.desired.policy` and `skulldns.errors` only; never a
source, a target, the loop or the wiring.
"""
