"""Guests of libvirt: QEMU machines, LXC containers and every other driver, local and remote.

`source` keeps the contract; below it `connection` and `events` keep the line to the daemon, `lane` bounds
what hangs, `reader` looks with `networks`, `hearsay` and `neighbourhood`, `leases` watches lease files of this
host, and `domainxml`, `addresses` and `trouble` are pure.
"""

from skulldns.sources.libvirt.source import LibvirtSource, Limits

__all__ = ["LibvirtSource", "Limits"]
