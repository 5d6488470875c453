"""Model values as JSON text and back."""

import json
import re
from functools import cache
from ipaddress import ip_address
from typing import Any

import dns.name
import dns.rdatatype
from dns.name import Name
from dns.rdatatype import RdataType

from skulldns.model.assignments import FIELDS, Assignment
from skulldns.model.guests import (
    Address,
    Guest,
    GuestId,
    GuestOptions,
    GuestState,
    Interface,
    Origin,
    SourceName,
)
from skulldns.model.interned import name_of
from skulldns.model.policy import Https, publishing
from skulldns.model.presence import Known
from skulldns.model.records import Key, RRset, rrset
from skulldns.model.zones import ZoneId


def name_text(name: Name) -> str:
    """An absolute name in lower case, as the tables hold it."""
    return name.to_text().lower()


def zone_text(zone: ZoneId) -> str:
    """A zone as the tables hold it. No name has a bare ``@``, so a view's text is nobody else's."""
    return name_text(zone.name) if zone.view is None else f"{name_text(zone.name)}@{zone.view}"


def view_of(zone: str) -> str | None:
    """The view in what ``zone_text`` wrote."""
    return zone.partition(".@")[2] or None


def key_of(name: str, rdtype: str) -> Key:
    """A key as the tables hold it."""
    if "\\" in name or name == ".":
        return Key(name_of(dns.name.from_text(name, origin=None).labels), _type(rdtype))
    return Key(name_of(tuple(name.encode().split(b"."))), _type(rdtype))


_ADDRESS = re.compile(r'\{"ttl": (0|[1-9][0-9]*), "data": \["([0-9.]+)"\]\}')
"""One IPv4 address, which most RRsets of a large zone are, as ``rrset_text`` writes it."""

_type = cache(dns.rdatatype.from_text)


def rrset_text(value: RRset | None) -> str | None:
    """An RRset's TTL and data as JSON."""
    if value is None:
        return None
    if value.type is RdataType.A:  # no address needs an escape
        addresses = '", "'.join(value.values())
        return f'{{"ttl": {value.ttl}, "data": ["{addresses}"]}}'
    return json.dumps({"ttl": value.ttl, "data": value.values()})


def rrset_from(key: Key, text: str | None) -> RRset | None:
    """The RRset that ``rrset_text`` wrote."""
    if text is None:
        return None
    if address := _ADDRESS.fullmatch(text):
        return rrset(key.name, key.type, int(address[1]), (address[2],))
    parts = json.loads(text)
    return rrset(key.name, key.type, parts["ttl"], parts["data"])


def known_text(known: Known) -> str:
    """All that is known of a guest, without its identity, as JSON."""
    guest = known.guest
    return json.dumps(
        {
            "source": guest.source,
            "name": guest.name,
            "state": guest.state,
            "interfaces": _interfaces(guest.interfaces),
            "options": {
                "owner": guest.options.owner,
                "port": guest.options.port,
                "names": guest.options.names,
                "publish": guest.options.publish,
                "https": guest.options.https,
            },
            "forbidden": sorted(str(ip) for ip in guest.forbidden),
            "hostnames": guest.hostnames,
            "seen_with": _interfaces(known.interfaces),
            "since": dict(known.since),
            "stopped_since": known.stopped_since,
            "missing_since": known.missing_since,
            "missing_looks": known.missing_looks,
            "witnessed": known.witnessed,
            "gone_since": known.gone_since,
            "settled": known.settled,
        },
        sort_keys=True,
    )


def known_from(identity: str, text: str) -> Known:
    """What ``known_text`` wrote."""
    parts: dict[str, Any] = json.loads(text)
    options = parts["options"] | {"names": tuple(parts["options"]["names"])}
    guest = Guest(
        id=GuestId(identity),
        source=SourceName(parts["source"]),
        name=parts["name"],
        state=GuestState(parts["state"]),
        interfaces=_interfaces_from(parts["interfaces"]),
        options=GuestOptions(**options),
        forbidden=frozenset(ip_address(ip) for ip in parts["forbidden"]),
        hostnames=tuple(parts["hostnames"]),
    )
    return Known(
        guest=guest,
        interfaces=_interfaces_from(parts["seen_with"]),
        since=parts["since"],
        stopped_since=parts["stopped_since"],
        missing_since=parts["missing_since"],
        missing_looks=parts["missing_looks"],
        witnessed=parts["witnessed"],
        gone_since=parts["gone_since"],
        settled=parts.get("settled", False),
    )


def assignment_text(assignment: Assignment) -> str:
    """What an admin assigned, as JSON."""
    parts = {field: getattr(assignment, field) for field in FIELDS}
    parts["publish"] = assignment.publish and str(assignment.publish)
    return json.dumps({field: value for field, value in parts.items() if value is not None})


def assignment_from(text: str) -> Assignment:
    """What ``assignment_text`` wrote."""
    parts: dict[str, Any] = json.loads(text)
    names, publish, https = (parts.get(field) for field in ("names", "publish", "https"))
    return Assignment(
        owner=parts.get("owner"),
        port=parts.get("port"),
        names=None if names is None else tuple(names),
        publish=publishing(publish) if publish else None,
        https=Https(https) if https else None,
    )


def _interfaces(interfaces: tuple[Interface, ...]) -> list[list[Any]]:
    return [[one.mac, one.network, _addresses(one.addresses), _addresses(one.heard)] for one in interfaces]


def _interfaces_from(parts: list[list[Any]]) -> tuple[Interface, ...]:
    return tuple(
        Interface(mac, network, _addresses_from(addresses), _addresses_from(heard))
        for mac, network, addresses, heard in parts
    )


def _addresses(addresses: tuple[Address, ...]) -> list[list[str]]:
    return [[str(address.ip), address.origin] for address in addresses]


def _addresses_from(parts: list[list[str]]) -> tuple[Address, ...]:
    return tuple(Address(ip_address(ip), Origin(origin)) for ip, origin in parts)
