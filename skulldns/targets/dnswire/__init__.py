"""DNS as bytes and values: requests compiled, answers read, refusals put into sentences.

Law: no socket, clock, file or randomness. A request comes out unsigned and with id 0; whoever sends it gives
it an id and, with `signing` and the time as an argument, a TSIG.
"""
