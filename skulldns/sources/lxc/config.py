"""What an LXC container's config says, as frozen values. Pure: included files come through a function.

Format: lxc.container.conf(5), with the keys before LXC 2.1 (`lxc.network.*`) too. What liblxc refuses, it refuses
itself; here whatever is not understood is passed over.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from skulldns.errors import SkullDNSError
from skulldns.model.guests import GuestOptions, IPAddress, shortened
from skulldns.sources.host.leases import parse_ip, parse_mac

Lines = Sequence[tuple[str, str]]
"""Keys and values in their order, without those of other programs."""

Include = Callable[[str], Iterable[Lines]]
"""Read the file, or the files of the directory, that `lxc.include` names. Raises `BadConfig`."""

_MAX_DEPTH = 8
_MAX_KEYS = 100_000
_MAX_NICS = 1000
_MAX_NAMES = 1000

_INDEXED = re.compile(r"lxc\.net(?:work)?\.(\d{1,5})(?:\.(.+))?")
_LEGACY = re.compile(r"lxc\.network\.(.+)")
_LEGACY_KEYS = {"ipv4": "ipv4.address", "ipv6": "ipv6.address"}
_WITHOUT_NIC = frozenset({"", "empty", "none"})
_QUOTES = "\"'"
_OPTION = "SKULLDNS_"


class BadConfig(SkullDNSError):
    """A container's config cannot be read."""


@dataclass(frozen=True, slots=True)
class Nic:
    """A network interface of a container.

    ``device`` is what it is called inside at first. ``mac`` is None where the config leaves it to LXC or the
    kernel, wholly or in part. ``shared`` says that it has the MAC of the host's own interface.
    """

    device: str
    link: str | None = None
    mac: str | None = None
    addresses: tuple[IPAddress, ...] = ()
    gateways: tuple[IPAddress, ...] = ()
    shared: bool = False


@dataclass(frozen=True, slots=True)
class Definition:
    """A container's definition, as far as it matters here."""

    nics: tuple[Nic, ...] = ()
    options: GuestOptions = field(default_factory=GuestOptions)


def parse_lines(text: str) -> Lines:
    """Split a config into keys and values, as liblxc does: one a line, the value perhaps in quotes."""
    found = []
    for line in text.splitlines():
        key, equals, value = line.strip().partition("=")
        if equals and key.startswith("lxc."):
            found.append((key.strip(), _unquoted(value.strip())))
    return found


def parse_definition(lines: Lines, include: Include) -> Definition:
    """Read a container's definition, with what it includes. Raises `BadConfig`."""
    reading = _Reading()
    for key, value in _expanded(lines, include, _MAX_DEPTH):
        reading.read(key, value)
    return reading.definition()


def _expanded(lines: Lines, include: Include, depth: int) -> Iterator[tuple[str, str]]:
    """Yield all keys with those of included files in their places; a loop ends at the bound of the depth."""
    for key, value in lines:
        if key != "lxc.include":
            yield key, value
        elif depth == 0:
            raise BadConfig(
                f"lxc.include goes deeper than {_MAX_DEPTH} files, or in a loop", cure="mend the config"
            )
        else:
            for included in include(value):
                yield from _expanded(included, include, depth - 1)


class _Reading:
    """Collects what the keys say, one after the other. An empty value takes back what was said before."""

    def __init__(self) -> None:
        self._nics: dict[int, dict[str, list[str]]] = {}
        self._environment: dict[str, str] = {}
        self._keeps_host_network = False
        self._shares_network = False
        self._keys = 0

    def read(self, key: str, value: str) -> None:
        self._keys += 1
        if self._keys > _MAX_KEYS:
            raise BadConfig(f"the config has more than {_MAX_KEYS} keys", cure="mend the config")
        if key == "lxc.environment":
            self._read_environment(value)
        elif key == "lxc.namespace.keep":
            self._keeps_host_network = "net" in value.split()
        elif key == "lxc.namespace.share.net":
            self._shares_network = bool(value)
        elif key in {"lxc.net", "lxc.network"}:
            self._nics.clear()
        elif found := _INDEXED.fullmatch(key):
            self._read_nic(int(found[1]), found[2], value)
        elif found := _LEGACY.fullmatch(key):
            # Before there were numbers, each type began the next interface.
            last = max(self._nics, default=-1)
            self._read_nic(last + 1 if found[1] == "type" else max(last, 0), found[1], value)

    def definition(self) -> Definition:
        if self._keeps_host_network or self._shares_network:
            return Definition((), _options(self._environment))
        nics = sorted(self._nics.items())
        taken = {*_last(keys for _, keys in nics)}
        free = (device for device in map("eth{}".format, range(_MAX_NICS * 2)) if device not in taken)
        return Definition(
            tuple(_nic(keys, free) for _, keys in nics if _value(keys, "type") not in _WITHOUT_NIC),
            _options(self._environment),
        )

    def _read_environment(self, value: str) -> None:
        name, _, content = value.partition("=")
        if not value:
            self._environment.clear()
        elif name.startswith(_OPTION):
            self._environment[name.removeprefix(_OPTION)] = content

    def _read_nic(self, number: int, key: str | None, value: str) -> None:
        if key is None:
            self._nics.pop(number, None)
            return
        if number not in self._nics and len(self._nics) >= _MAX_NICS:
            raise BadConfig(f"the config has more than {_MAX_NICS} interfaces", cure="mend the config")
        keys = self._nics.setdefault(number, {})
        values = keys.setdefault(_LEGACY_KEYS.get(key, key), [])
        if value:
            values.append(value)
        else:
            values.clear()


def _last(nics: Iterable[dict[str, list[str]]]) -> Iterator[str]:
    return (_value(keys, "name") for keys in nics if _value(keys, "name"))


def _value(keys: dict[str, list[str]], key: str) -> str:
    return (keys.get(key) or [""])[-1]


def _nic(keys: dict[str, list[str]], free: Iterator[str]) -> Nic:
    return Nic(
        device=_value(keys, "name") or next(free),
        link=_value(keys, "link") or None,
        mac=parse_mac(_value(keys, "hwaddr")),  # one with placeholders (00:16:3e:xx:xx:xx) is none
        addresses=tuple(_ips(keys, "address")),
        gateways=tuple(_ips(keys, "gateway")),
        shared=_value(keys, "type") == "ipvlan",
    )


def _ips(keys: dict[str, list[str]], what: str) -> Iterator[IPAddress]:
    """Yield the addresses: each value is an address, perhaps with a prefix length and a broadcast address."""
    for family in ("ipv4", "ipv6"):
        for value in keys.get(f"{family}.{what}", ()):
            ip = parse_ip(value.split()[0].partition("/")[0])
            if ip is not None:
                yield ip


def _options(environment: dict[str, str]) -> GuestOptions:
    def said(key: str) -> str | None:
        return shortened(environment.get(key, "").strip()) or None

    names = map(shortened, environment.get("NAMES", "").replace(",", " ").split())
    return GuestOptions(
        owner=said("OWNER"),
        port=_port(said("PORT")),
        names=tuple(dict.fromkeys(names))[:_MAX_NAMES],
        publish=said("PUBLISH"),
        https=said("HTTPS"),
    )


def _port(text: str | None) -> int | str | None:
    return int(text) if text and text.isascii() and text.isdecimal() else text


def _unquoted(value: str) -> str:
    if len(value) > 1 and value[0] in _QUOTES and value[0] == value[-1]:
        return value[1:-1]
    return value
