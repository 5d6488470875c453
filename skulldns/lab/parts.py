"""The list of parts that make a lab."""

from collections.abc import Collection, Sequence

from skulldns.lab.hypervisor import Hypervisor
from skulldns.lab.manager import Https, Manager
from skulldns.lab.nameserver import DnsPlan, Primary, Secondary
from skulldns.lab.page import Page
from skulldns.lab.part import Part
from skulldns.lab.pebble import Pebble
from skulldns.lab.place import Place
from skulldns.lab.ports import PortBlock
from skulldns.lab.proxy import Proxy
from skulldns.lab.webservers import WebServers

HTTPS = ("pebble", "webservers", "nginx")
"""The parts that serve sites; they are started on demand, all of them or none."""
EVERYTHING = (*HTTPS, "page")
"""What `make run` and `lab up` start beside: sites, and the members' page."""


def assemble(place: Place, ports: PortBlock, extra: Collection[str]) -> Sequence[Part]:
    """Every part, in the order in which their files are written; ``extra`` are those on demand that were asked for."""
    plan = DnsPlan.draw(ports)
    hypervisor = Hypervisor(place)
    proxy = Proxy(place, ports)
    pebble = Pebble(place, plan, ports, http_port=proxy.http_port)
    web_servers = WebServers(place, hypervisor, ports.next())
    page = Page(place, ports, proxy)
    https = Https(proxy, pebble, web_servers) if set(HTTPS) <= set(extra) else None
    return (
        hypervisor,
        Primary("ns1", place, plan),
        Secondary("ns2", place, plan),
        pebble,
        web_servers,
        proxy,
        Manager(place, plan, hypervisor, page, https),
        page,
    )
