"""A thousand guests at once: all are answered, with few messages. How fast is a matter of the benchmarks."""

import contextlib

from skulldns.lab import Lab
from skulldns.lab.waiting import until
from tests.integration.dnsview import both, reverse, transfer, updates
from tests.integration.hypervisor import addresses, define

_GUESTS = 1000
_MOST_MESSAGES = 100


def test_a_thousand_guests_take_at_most_a_hundred_messages(lab: Lab) -> None:
    info = lab.info
    before = updates(lab)
    with contextlib.closing(lab.libvirt()) as connection:
        domains = [define(connection, f"burst{number}") for number in range(_GUESTS)]
        for domain in domains:
            domain.create()
        owned = {f"burst{number}.{info.zone}.": addresses(domain) for number, domain in enumerate(domains)}
        forward = {f"{name} 60 IN A {ip}" for name, ips in owned.items() for ip in ips}
        backward = {f"{reverse(ip)} 60 IN PTR {name}" for name, ips in owned.items() for ip in ips}
        assert len(forward) == len(backward) == _GUESTS
        last = f"burst{_GUESTS - 1}.{info.zone}."
        until(lambda: all(both(lab, last)), "the last guest's name")
        for zone, expected in ((info.zone, forward), (info.reverse[0], backward)):
            for server in (info.ns1, info.ns2):
                until(lambda: expected <= transfer(server, zone, info.tsig), f"all of {zone}", patience=30)  # noqa: B023
        sent = updates(lab) - before
        assert 2 <= sent <= _MOST_MESSAGES

        # When all of them stop, nothing is to be said.
        for domain in domains:
            domain.destroy()
        marker = define(connection, "marker")
        marker.create()
        (address,) = addresses(marker)
        until(lambda: all(both(lab, f"marker.{info.zone}")), "the marker's name")
        until(lambda: all(both(lab, reverse(address), "PTR")), "the marker's address")
        assert updates(lab) - before - sent == 2
        assert forward <= transfer(info.ns2, info.zone, info.tsig)
