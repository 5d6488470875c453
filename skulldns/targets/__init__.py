"""WRITE to name servers.

Law: a target knows its one library, the model and `skulldns.targets.protocol`; no other room. What is sent is
compiled by a pure module (`dnswire`) and sent by another. Only wiring names a concrete target.
"""
