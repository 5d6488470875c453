"""READ guests from hypervisors.

Law: a source knows its one library, the model and `skulldns.sources.protocol`; no other source and no other
room. Only wiring names a concrete source.
"""
