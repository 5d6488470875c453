"""nginx's configuration as text: sites in, files out.

Law: no socket, file, clock, log or randomness. The same sites give the same bytes, in whatever order they come. No
value reaches a file but through `checks`, and what is rendered is read again as nginx reads it (`syntax`): each
value must lie within one word of its template.
"""
