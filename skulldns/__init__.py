"""SkullDNS: creating a guest is enough; its name answers on both name servers.

Data flows one way: sources read, desired decides, plan compares, targets write. Each room states its law at
the top of its `__init__.py`; import-linter and `tests/rooms.py` keep them.
"""
