"""A web proxy in memory that keeps the contract of ``Proxy``, with faults on command."""

from collections.abc import Mapping, Sequence

from skulldns.errors import Refused, SkullDNSError, Unavailable
from skulldns.model.sites import Site
from skulldns.targets.proxy import CertificatePaths, Rollout


class FakeProxy:
    """Serves what it is told.

    ``served`` has the site of each host name, without the final dot; ``certificates`` those it has, by identity.
    ``reloads`` counts them. Faults, which can be changed at any time:

    * ``down``: it does not run;
    * ``stubborn``: it goes on with what it ran before;
    * ``broken``: canonical names of sites that it does not take;
    * ``mismatched``: identities of certificates that do not fit their keys;
    * ``edited``: files that somebody changed, until the next roll-out.
    """

    def __init__(self) -> None:
        self.served: dict[str, Site] = {}
        self.certificates: dict[str, CertificatePaths] = {}
        self.reloads = 0
        self.down = False
        self.stubborn = False
        self.broken: set[str] = set()
        self.mismatched: set[str] = set()
        self.edited: list[str] = []
        self._generation: int | None = None
        self._numbers = 0

    def roll_out(self, sites: Sequence[Site], certificates: Mapping[str, CertificatePaths]) -> Rollout:
        served: dict[str, Site] = {}
        quarantined: dict[str, SkullDNSError] = {}
        for site in sorted(sites, key=_title):
            names = [name.to_text(omit_final_dot=True).lower() for name in site.names]
            if names[0] in self.broken:
                quarantined[names[0]] = Refused(
                    "the proxy refuses it", where=names[0], cure="correct the site"
                )
                names = [name for name in names if self._may_stay(self.served.get(name), site)]
                site = self.served[names[0]] if names else site  # noqa: PLW2901 - its last good state
            served |= dict.fromkeys(names, site)
        faults: dict[str, SkullDNSError] = {
            identity: Refused("this is not the key of the certificate", where=identity, cure="renew it")
            for identity in certificates
            if identity in self.mismatched
        }
        usable = {
            one: paths for one, paths in certificates.items() if one not in faults or one in self.certificates
        }
        changed = sorted(self.edited)
        if (served, usable) != (self.served, self.certificates) or self._generation is None:
            changed.append("maps.conf")
        self._run(changed)
        self.served, self.certificates = served, usable
        assert self._generation is not None
        return Rollout(self._generation, changed, quarantined, faults)

    def running_generation(self) -> int | None:
        if self.down:
            raise Unavailable("the proxy does not answer", cure="start it")
        return self._generation

    def drift(self) -> Sequence[str]:
        return sorted(self.edited)

    def _run(self, changed: Sequence[str]) -> None:
        if self.down:
            raise Unavailable("the proxy does not run", cure="start it")
        if not changed:
            return
        self._numbers += 1
        self.reloads += 1
        if self.stubborn:
            raise Unavailable("the proxy goes on with what it ran before", cure="correct the cause")
        self._generation = self._numbers
        self.edited = []

    @staticmethod
    def _may_stay(old: Site | None, new: Site) -> bool:
        return old is not None and old.upstream == new.upstream and set(old.names) <= set(new.names)


def _title(site: Site) -> str:
    return site.names[0].to_text().lower()
