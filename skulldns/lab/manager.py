"""The daemon: `skulldns run`, with the configuration and the zone file of this lab."""

import asyncio
import socket
import ssl
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import dns.asyncquery
import dns.exception
import dns.message
import dns.rdatatype

from skulldns.lab.hypervisor import Hypervisor
from skulldns.lab.nameserver import ADDRESS, ALGORITHM, ZONE, DnsPlan
from skulldns.lab.page import Page
from skulldns.lab.part import Part, render
from skulldns.lab.pebble import Pebble
from skulldns.lab.place import Place
from skulldns.lab.proxy import ADDRESS as PROXY_ADDRESS
from skulldns.lab.proxy import Proxy
from skulldns.lab.surroundings import Surroundings
from skulldns.lab.webservers import WebServers

_STATIC_NAME = "info"
_STATIC_TEXT = "a private lab on loopback"


@dataclass(frozen=True, slots=True)
class Https:
    """The parts that the daemon serves sites with."""

    proxy: Proxy
    ca: Pebble
    web_servers: WebServers


class Manager(Part):
    """The daemon. Its files are written in every lab; whether it is started is the lab's switch."""

    name = "daemon"
    after = frozenset({"ns1", "ns2", "libvirtd"})

    def __init__(
        self, place: Place, plan: DnsPlan, hypervisor: Hypervisor, page: Page, https: Https | None
    ) -> None:
        super().__init__(place)
        self._page = page
        self._https = https
        if https is not None:
            self.after |= {https.proxy.name, https.ca.name, https.web_servers.name}
        self._plan = plan
        self._hypervisor = hypervisor
        self._surroundings = Surroundings.of(place)

    def write(self) -> None:
        """skulldns.yaml and the zone file."""
        zones = self.place.directory / "zones"
        zones.mkdir(mode=0o700)
        values = {
            "state": self.place.state,
            "secret_file": self.place.directory / "tsig.key",
            "algorithm": ALGORITHM,
            "zone": ZONE,
            "reverse": self._surroundings.reverse,
            "networks": self._surroundings.networks,
            "sources": self._surroundings.sources,
            "ports": self._plan.ports,
            "libvirt_uri": self._hypervisor.uri,
            "https": self._https,
            "page": self._page,
            "proxy_address": PROXY_ADDRESS,
        }
        render("skulldns.yaml.j2", self.place.config, **values)
        render("zone.yaml.j2", zones / f"{ZONE}.yaml", zone=ZONE, name=_STATIC_NAME, text=_STATIC_TEXT)

    def argv(self) -> Sequence[str]:
        """`skulldns run` in the foreground, by the interpreter that runs the lab."""
        return (sys.executable, "-m", "skulldns", "run", "--config", str(self.place.config))

    def environment(self) -> Mapping[str, str]:
        """Its log is read while it runs."""
        return {"PYTHONUNBUFFERED": "1"}

    async def ready(self) -> bool:
        """Its first pass is done.

        Both name servers answer the zone file's static record, and the proxy has the zone's certificate.
        """
        for port in self._plan.ports.values():
            query = dns.message.make_query(f"{_STATIC_NAME}.{ZONE}", dns.rdatatype.TXT)
            try:
                answer = await dns.asyncquery.udp(query, ADDRESS, timeout=0.5, port=port)
            except (OSError, dns.exception.DNSException):
                return False
            if not answer.answer:
                return False
        return self._https is None or await asyncio.to_thread(_serves, self._https)

    def entry(self) -> Mapping[str, Any]:
        """Its configuration, and the zones it cares for."""
        return {"zone": ZONE, "reverse": list(self._surroundings.reverse), "config": str(self.place.config)}


def _serves(https: Https) -> bool:
    """Whether the proxy shows the zone's certificate, and one that the CA's root vouches for."""
    try:
        tls = ssl.create_default_context(cafile=str(https.ca.root))
        with socket.create_connection((PROXY_ADDRESS, https.proxy.https_port), timeout=1) as plain:
            tls.wrap_socket(plain, server_hostname=f"{_STATIC_NAME}.{ZONE}").close()
    except OSError:
        return False
    return True
