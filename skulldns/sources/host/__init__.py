"""What this host knows of any guest on it, whichever hypervisor runs it: DHCP leases and the neighbour table.

Law: files and the system's tables only; no hypervisor, no other source.
"""
