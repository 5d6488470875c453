"""A prober in memory: requests are answered as a test says."""

from dns.name import Name

from skulldns.model.probes import Probe
from skulldns.model.sites import Upstream

_WELL = Probe(good=True, text="answers 200 OK", seconds=0.001, status=200)


class FakeProber:
    """Keeps ``Prober``. ``upstreams`` has what single upstreams answer, ``sites`` what single names do; the others are
    well. ``asked`` has every request, in order.
    """

    def __init__(self) -> None:
        self.upstreams: dict[Upstream, Probe] = {}
        self.sites: dict[Name, Probe] = {}
        self.asked: list[Upstream | Name] = []

    def upstream(self, upstream: Upstream, name: Name) -> Probe:  # noqa: ARG002 - answers the same for each name
        self.asked.append(upstream)
        return self.upstreams.get(upstream, _WELL)

    def site(self, name: Name) -> Probe:
        self.asked.append(name)
        return self.sites.get(name, _WELL)
