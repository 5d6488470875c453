"""The contract of the web proxy in front of the sites."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from skulldns.errors import SkullDNSError
from skulldns.model.sites import Site


@dataclass(frozen=True, slots=True)
class CertificatePaths:
    """Where a certificate with its chain lies and where its private key does, both PEM; the leaf comes first."""

    chain: Path
    key: Path


@dataclass(frozen=True, slots=True)
class Rollout:
    """What the proxy serves after a roll-out.

    ``changed`` are the files that are new, different or gone; empty if the proxy ran all of it before. ``quarantined``
    has for canonical names of sites why they are not served as asked: their last good state is served if it leads
    to the same upstream, else nothing is. ``certificates`` has for identities why they cannot be used, and whatever
    was good before is used on.
    """

    generation: int
    changed: Sequence[str] = ()
    quarantined: Mapping[str, SkullDNSError] = field(default_factory=dict)
    certificates: Mapping[str, SkullDNSError] = field(default_factory=dict)


class Proxy(Protocol):
    """A web proxy. One thread uses an object at a time.

    Calls block until the proxy has said what it runs, a few seconds at most. Each change costs a reload, which
    starts new workers beside the old ones: roll out at most once a second, and many changes in one go.
    """

    def roll_out(self, sites: Sequence[Site], certificates: Mapping[str, CertificatePaths]) -> Rollout:
        """Serve exactly these sites, with these certificates by their identities, and return when it is so.

        A site that cannot be served does not stop the others. A site whose certificate is missing is not served over
        TLS. Files that somebody edited are written anew. Costs no reload where nothing changes.

        Raises ``ConfigError`` when templates or the proxy's own configuration are wrong, ``Unavailable`` when the
        proxy does not run or goes on with what it ran before; that stays, and its sentence has the cause.
        """

    def running_generation(self) -> int | None:
        """Which generation the proxy says that it runs; None for one that is not ours. Raises ``Unavailable``."""

    def drift(self) -> Sequence[str]:
        """The files of the current generation that somebody edited, removed or added since; sorted."""
