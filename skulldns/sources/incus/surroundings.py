"""What the host of a daemon knows besides the daemon: its neighbour table, and lease files."""

import logging
import threading
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path

from skulldns.errors import Unavailable
from skulldns.sources.host.leasefiles import LeaseWatch, read_leases, usual_files
from skulldns.sources.host.neighbours import Claim, Neighbours, listen
from skulldns.sources.incus.answers import Lease
from skulldns.sources.incus.endpoint import Endpoint, LocalSocket

_log = logging.getLogger(__name__)


class Surroundings:
    """This host's knowledge, for a daemon on this host; nothing for one elsewhere."""

    def __init__(self, endpoint: Endpoint, files: Collection[Path]) -> None:
        """``files`` are lease files of bridges that the daemon does not manage, beside the usual ones."""
        self._endpoint = endpoint if isinstance(endpoint, LocalSocket) else None
        self._files = tuple(files)
        self._bridges: frozenset[str] = frozenset()

    def neighbours(self) -> Neighbours:
        """Return the neighbour table; empty if it cannot be read, since it has the guests' own word only."""
        try:
            return self._endpoint.network.neighbours() if self._endpoint else {}
        except Unavailable as error:
            _log.info("%s", error)
            return {}

    def leases(self, bridge: str) -> Mapping[str, tuple[Lease, ...]]:
        """Return by MAC what is leased on a bridge that the daemon does not manage. Raises ``Unavailable``."""
        if self._endpoint is None:
            return {}
        found: dict[str, tuple[Lease, ...]] = {}
        now = time.time()
        for lease in read_leases([*self._files, *usual_files(bridge)]):
            if lease.holds(now):
                own = Lease(lease.mac, lease.ip, lease.hostname or "", reckoned=False)
                found[lease.mac] = (*found.get(lease.mac, ()), own)
        return found

    def watch(
        self,
        changed: Callable[[frozenset[str]], None],
        heard: Callable[[frozenset[Claim]], None],
        stop: threading.Event,
    ) -> None:
        """Start to call `changed` with the MACs whose leases change in files of this host, until `stop` is set.

        `heard` is called with what is new in the neighbour table. Returns at once. The daemon's own lease files lie
        beside its socket; where this user may not list their directory, only the other files are watched.
        """
        if self._endpoint is not None:
            watch = LeaseWatch(self._lease_files)
            threading.Thread(target=watch.run, args=(changed, stop), name="incus leases", daemon=True).start()
            threading.Thread(
                target=listen, args=(self.neighbours, heard, stop), name="incus neighbours", daemon=True
            ).start()

    def in_use(self, bridges: Iterable[str]) -> None:
        """These are the bridges whose lease files are to be watched."""
        self._bridges = frozenset(bridges)

    def _lease_files(self) -> Collection[Path]:
        assert self._endpoint is not None
        own = self._endpoint.path.parent.glob("networks/*/dnsmasq.leases")
        return [
            *self._files,
            *own,
            *(file for bridge in sorted(self._bridges) for file in usual_files(bridge)),
        ]
