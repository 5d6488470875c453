"""Guests of libvirt: QEMU machines, LXC containers and every other driver, local and remote.

`source` keeps the contract; below it `connection` and `events` keep the line to the daemon, `lane` bounds
what hangs, `reader` and `agents` look, and `domainxml` and `addresses` are pure. `leases` stands beside them
and watches lease files of this host.
"""

from skulldns.sources.libvirt.leases import LeaseWatch
from skulldns.sources.libvirt.source import LibvirtSource, Limits

__all__ = ["LeaseWatch", "LibvirtSource", "Limits"]
