"""What this host knows of any guest on it, whichever hypervisor runs it: DHCP leases and the neighbour table.

`leases` (pure) and `leasefiles` have the leases and their changes, `neighbours` the system's network tables and
theirs, `holders` whom such a change concerns,
`commands` runs programs within a time limit, and `watching` hears of changes in directories.

Law: files and the system's tables only; no hypervisor, no other source.
"""
