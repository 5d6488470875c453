"""Remember what must survive a power cut.

Law: imports `skulldns.model` and `skulldns.errors` only; SQL lives here and nowhere else. What was acknowledged
is durable.
"""
