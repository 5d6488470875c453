"""The types of single values in the config file: text there, the right type afterwards.

Each raises an error of pydantic's type ``admin``, whose context has what is wrong and the cure.
"""

import ipaddress
import re
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import dns.exception
import dns.name
from dns.name import Name
from pydantic import AfterValidator, BeforeValidator, Field, Strict, WithJsonSchema
from pydantic_core import PydanticCustomError, PydanticKnownError

from skulldns.desired.policy import login
from skulldns.desired.reverse import fault
from skulldns.errors import Refused
from skulldns.model.guests import ZONE_INDEX
from skulldns.model.policy import Publish, Publishing, publishing

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_DURATION = r"[0-9]{1,9}[smhdw]"
_REVERSE = (dns.name.from_text("in-addr.arpa."), dns.name.from_text("ip6.arpa."))
_PORTS = 65_535
_VIEW_NAME = r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}"
_DATABASE = re.compile(r"(sqlite|postgresql)(\+[a-z0-9_]+)?://.*", re.DOTALL)


def wrong(what: str, cure: str) -> PydanticCustomError:
    """An error for the person who edits: what is wrong, and the cure."""
    return PydanticCustomError("admin", "{what}; {cure}", {"what": what, "cure": cure})


def zone_name(text: str) -> Name:
    """An absolute, lower-case name; a final dot may be there or not."""
    try:
        name = dns.name.from_text(text, dns.name.root, idna_codec=dns.name.IDNA_2008_Practical).canonicalize()
    except dns.exception.DNSException as error:
        reason = (str(error) or type(error).__name__).rstrip(".")
        raise wrong(f"{text!r} is not a domain name: {reason}", "write it like vmsrv.example.org") from None
    if name == dns.name.root or any(byte <= ord(" ") for label in name.labels for byte in label):
        raise wrong(f"{text!r} is not a domain name", "write it like vmsrv.example.org")
    return name


def _name(value: object) -> Name:
    return value if isinstance(value, Name) else zone_name(_text(value))


def _reverse(name: Name) -> Name:
    if not any(name.is_subdomain(parent) and name != parent for parent in _REVERSE):
        what = f"{name.to_text(omit_final_dot=True)} is not a reverse zone"
        raise wrong(what, "write a zone below in-addr.arpa or ip6.arpa, such as 2.0.192.in-addr.arpa")
    if why := fault(name):
        what = f"no address has its PTR record in {name.to_text(omit_final_dot=True)}: {why}"
        raise wrong(
            what, "write it like 2.0.192.in-addr.arpa, 0/26.2.0.192.in-addr.arpa or 8.b.d.0.1.0.0.2.ip6.arpa"
        )
    return name


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise PydanticKnownError("string_type")
    return value


def _duration(value: object) -> float:
    if isinstance(value, float):  # from code; the file has no decimal numbers
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        raise wrong(f"the duration {value} has no unit", f"write {value}s for seconds, or use m, h, d, w")
    text = _text(value)
    if not re.fullmatch(_DURATION, text):
        raise wrong(f"{text!r} is not a duration", "write a number and a unit: 90s, 15m, 24h, 30d, 2w")
    return float(int(text[:-1]) * _SECONDS[text[-1]])


def _address(text: str) -> str:
    try:
        return str(ipaddress.ip_address(_on_any_link(text)))
    except ValueError:
        raise wrong(f"{text!r} is not an IP address", "write the address itself, not a name") from None


def _on_any_link(text: str) -> str:
    """``text`` without a zone index, which Python takes any text for. Raises ``ValueError`` if it has one."""
    if ZONE_INDEX in text:
        raise ValueError
    return text


def _network(value: object) -> IPv4Network | IPv6Network:
    if isinstance(value, IPv4Network | IPv6Network):
        return value
    text = _text(value)
    try:
        interface = ipaddress.ip_interface(_on_any_link(text))
    except ValueError:
        raise wrong(f"{text!r} is not a network", "write it like 192.0.2.0/24 or 2001:db8::/64") from None
    if interface.ip != interface.network.network_address:
        raise wrong(f"{text} is an address inside a network", f"write {interface.network}")
    return interface.network


def _place(value: object) -> IPv4Network | IPv6Network:
    """An address is a network of its own."""
    if isinstance(value, str) and "/" not in value:
        try:
            return ipaddress.ip_network(_on_any_link(value))
        except ValueError:
            raise wrong(
                f"{value!r} is neither an address nor a network", "write it like 192.0.2.1 or 192.0.2.0/28"
            ) from None
    return _network(value)


def _login(text: str) -> str:
    try:
        return login(text)
    except Refused as refused:
        raise wrong(refused.what, refused.cure or "correct it") from None


def _view_name(text: str) -> str:
    if not re.fullmatch(_VIEW_NAME, text):
        cure = "write letters, digits, '_', '.' and '-', at most 63, the first a letter or digit"
        raise wrong(f"{text!r} cannot name a view", cure)
    return text


def _publish(value: object) -> Publishing:
    """One word for everywhere, or a mapping from views to words."""
    if isinstance(value, Publishing):
        return value
    words = [f"{view}={choice}" for view, choice in value.items()] if isinstance(value, dict) else [value]
    try:
        return publishing(" ".join(map(str, words)))
    except Refused as refused:
        raise wrong(refused.what, refused.cure or "correct it") from None


def _believed(value: object) -> object:
    """``true`` is everywhere, ``false`` nowhere; a list is those networks."""
    if isinstance(value, bool):
        return (IPv4Network("0.0.0.0/0"), IPv6Network("::/0")) if value else ()
    return value


def _path(text: str) -> Path:
    if not text or not text.isprintable():
        raise wrong(f"{text!r} is not a path", "write the path of a file")
    return Path(text)


def _absolute(path: Path) -> Path:
    if not path.is_absolute():
        raise wrong(f"the path {path} is relative", "write an absolute path, which starts with /")
    return path


def _listen(text: str) -> str:
    host, _, port = text.rpartition(":")
    try:
        ipaddress.ip_address(host.removeprefix("[").removesuffix("]"))
    except ValueError:
        raise wrong(f"{text!r} is not an address and port", "write it like 127.0.0.1:8053") from None
    if not re.fullmatch(r"[0-9]{1,5}", port) or not 1 <= int(port) <= _PORTS:
        raise wrong(f"{text!r} has no port from 1 to {_PORTS}", "write it like 127.0.0.1:8053")
    return text


def _url(text: str) -> str:
    if not re.fullmatch(r"https?://[^\s/?#@]+[^\s]*", text):
        raise wrong(f"{text!r} is not a web address", "write it like https://names.example.org")
    return text


def libvirt_uri(text: str) -> str:
    """A libvirt connection URI, as it is."""
    if not re.fullmatch(r"[a-z][a-z0-9+.-]*://\S*", text):
        raise wrong(f"{text!r} is not a libvirt URI", "write it like qemu:///system")
    return text


def _database(text: str) -> str:
    if not _DATABASE.fullmatch(text):
        # Not repeated: it may hold a password.
        raise wrong("this is not a database URL", "write sqlite:///skulldns.db or postgresql://host/database")
    try:
        parts = urlsplit(text)
        secret = parts.password is not None or "password=" in parts.query
    except ValueError:
        raise wrong("this is not a database URL", "write postgresql://host/database") from None
    if secret:
        raise wrong(
            "the database URL holds a password", "put it into ~/.pgpass, which PostgreSQL's client reads"
        )
    return text


_AS_TEXT = WithJsonSchema({"type": "string"})

_CHOICE = {"type": "string", "enum": list(Publish)}

ViewName = Annotated[str, AfterValidator(_view_name)]
PublishChoice = Annotated[
    Publishing,
    BeforeValidator(_publish),
    WithJsonSchema({"anyOf": [_CHOICE, {"type": "object", "additionalProperties": _CHOICE}]}),
]
ZoneName = Annotated[Name, BeforeValidator(_name), _AS_TEXT]
ReverseName = Annotated[ZoneName, AfterValidator(_reverse)]
Duration = Annotated[
    float, BeforeValidator(_duration), WithJsonSchema({"type": "string", "pattern": f"^{_DURATION}$"})
]
Address = Annotated[str, AfterValidator(_address)]
Network = Annotated[IPv4Network | IPv6Network, BeforeValidator(_network), _AS_TEXT]
Place = Annotated[IPv4Network | IPv6Network, BeforeValidator(_place), _AS_TEXT]
Login = Annotated[str, AfterValidator(_login)]
Believed = Annotated[
    tuple[Network, ...],
    BeforeValidator(_believed),
    WithJsonSchema({"anyOf": [{"type": "boolean"}, {"type": "array", "items": {"type": "string"}}]}),
]
FilePath = Annotated[
    Path, BeforeValidator(lambda value: value if isinstance(value, Path) else _path(_text(value)))
]
AbsolutePath = Annotated[FilePath, AfterValidator(_absolute)]
Listen = Annotated[str, AfterValidator(_listen)]
Url = Annotated[str, AfterValidator(_url)]
LibvirtUri = Annotated[str, AfterValidator(libvirt_uri)]
DatabaseUrl = Annotated[str, AfterValidator(_database)]
Port = Annotated[int, Strict(), Field(ge=1, le=_PORTS)]
Count = Annotated[int, Strict(), Field(ge=0)]
Seconds = Annotated[int, Strict(), Field(ge=0, le=2**31 - 1)]
Percent = Annotated[int, Strict(), Field(ge=0, le=100)]
Flag = Annotated[bool, Strict()]
