"""Zones and servers -> configuration of name servers, with the rights and timings that SkullDNS needs.

Law: values in, text out. No file, socket or clock, and no secret: a key is known here by its name, and its
secret stands in a file of its own on each server.
"""
