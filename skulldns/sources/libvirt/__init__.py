"""Guests of libvirt: QEMU machines, LXC containers and every other driver, local and remote.

`source` keeps the contract; below it `connection` and `events` keep the line to the daemon, `lane` bounds
what hangs, `reader` and `agents` look, `leases` watches lease files of this host, and `domainxml` and
`addresses` are pure.
"""

from skulldns.sources.libvirt.source import LibvirtSource, Limits

__all__ = ["LibvirtSource", "Limits"]
