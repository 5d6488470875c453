"""WRITE to ACME CAs (RFC 8555), with the `acme` library.

Law: nothing here sleeps; who calls learns how long to wait. What the library lacks stands in `beyond` only.
"""
