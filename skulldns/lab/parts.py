"""The list of parts that make a lab."""

from collections.abc import Sequence

from skulldns.lab.hypervisor import Hypervisor
from skulldns.lab.manager import Manager
from skulldns.lab.nameserver import DnsPlan, Primary, Secondary
from skulldns.lab.part import Part
from skulldns.lab.pebble import Pebble
from skulldns.lab.place import Place
from skulldns.lab.ports import PortBlock


def assemble(place: Place, ports: PortBlock) -> Sequence[Part]:
    """Every part, in the order in which their files are written."""
    plan = DnsPlan.draw(ports)
    hypervisor = Hypervisor(place)
    return (
        hypervisor,
        Primary("ns1", place, plan),
        Secondary("ns2", place, plan),
        Pebble(place, plan, ports, http_port=ports.next()),
        Manager(place, plan, hypervisor),
    )
