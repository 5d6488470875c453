"""Values of sites, each checked by what it is, and given as nginx is to read it.

All raise ``Refused`` with a sentence for the site's owner.
"""

import hashlib
import re
import unicodedata
from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address
from urllib.parse import urlsplit

from dns.name import Name

from skulldns.errors import Refused
from skulldns.model.sites import BasicAuth, Header, Scheme, Upstream
from skulldns.targets.vhost.settings import ProxySettings, socket_address

_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_HOSTNAME = re.compile(rf"(?!\d+(?:\.\d+)*$)(?:{_LABEL}\.)+{_LABEL}")
_SHORT_HOSTNAME = re.compile(rf"(?!\d+$){_LABEL}")
_LONGEST_NAME = 253  # RFC 1035 section 2.3.4, without the root
_LONGEST_STEM = 200  # file names have at most 255 bytes
_IDENTITY = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,251}[a-z0-9])?")
_TEXT = re.compile(r"[\x20-\x7e]{1,2000}")
_NOT_IN_TEXT = re.compile(r'["\\$]')
_PATH = re.compile(r"/[A-Za-z0-9._~!&'()*+,;=:@/%?-]{0,1000}")
_LOGIN = re.compile(r"[A-Za-z0-9._@-]{1,64}")
_HASH = re.compile(r"\$(?:apr1|2[aby]|5|6|y)\$[A-Za-z0-9./$=,]{8,200}")
_HIGHEST_PORT = 65_535
_LONGEST_AGE = 1 << 31  # RFC 6797 section 6.1.1 gives no limit; this is more than any client keeps
_LARGEST_BODY = 1 << 53
_LONGEST_OWNER = 100


def hostname(name: Name) -> str:
    """A host name (RFC 1123 section 2.1) without its final dot, in lower case."""
    text = b".".join(name.labels[:-1]).decode("latin-1").lower()
    plain = name.labels[-1:] == (b"",) and text.count(".") == len(name.labels) - 2
    if not plain or len(text) > _LONGEST_NAME or not _HOSTNAME.fullmatch(text):
        shown = name.to_text(omit_final_dot=True)
        raise Refused(f"{shown!r} is no host name", cure="use labels of letters, digits and hyphens")
    return text


def file_stem(name: str) -> str:
    """How the file of a host name or certificate is called, also if that is longer than a file's name may be."""
    if len(name) <= _LONGEST_STEM:
        return name
    return hashlib.sha256(name.encode("ascii")).hexdigest()


def identity(certificate: str) -> str:
    """A certificate's identity, which names a file."""
    if not _IDENTITY.fullmatch(certificate):
        raise Refused(f"{certificate!r} names no certificate", cure="use the name that it is for")
    return certificate


def upstream(where: Upstream, settings: ProxySettings) -> str:
    """Where an upstream listens: an address literal within the networks, and its port."""
    address = where.address
    shown = f"upstream {address}"
    if isinstance(address, IPv6Address) and (address.ipv4_mapped or address.scope_id):
        raise Refused(f"{shown} is another address in disguise", cure="give the guest's own address")
    if (address, where.port) in settings.own:
        return socket_address(address, where.port)
    if address in settings.forbidden:
        raise Refused(f"{shown} is not a guest's", cure="give the guest's own address")
    if not any(address in network for network in settings.networks if network.version == address.version):
        raise Refused(
            f"{shown} is in no network of `networks`", cure="give the guest an address in one of them"
        )
    number(where.port, "port", 1, _HIGHEST_PORT)
    return socket_address(address, where.port)


def network(value: IPv4Network | IPv6Network) -> str:
    """A network of addresses. Python keeps any text as the zone index of one."""
    if isinstance(value, IPv6Network) and value.network_address.scope_id is not None:
        raise Refused(f"{str(value)!r} is good on one link only", cure="leave out the % and what follows it")
    return str(value)


def number(value: int, what: str, least: int, most: int) -> int:
    """A whole number within limits."""
    if type(value) is not int or not least <= value <= most:  # True is no number here
        raise Refused(f"{what} {value!r} is out of range", cure=f"choose one from {least} to {most}")
    return value


def age(seconds: int) -> int:
    """The max-age of HSTS in seconds; 0 makes clients forget it."""
    return number(seconds, "max-age", 0, _LONGEST_AGE)


def body_size(octets: int) -> int:
    """The most bytes of a request's body; 0 would be no limit to nginx."""
    return number(octets, "body size", 1, _LARGEST_BODY)


def header(name: Header, value: str) -> tuple[str, str]:
    """A response header of the fixed list, with its value for double quotes."""
    return Header(name).value, text(value, f"the value of {name}")


def text(value: str, what: str) -> str:
    """Printable ASCII that may stand between double quotes."""
    if not _TEXT.fullmatch(value) or _NOT_IN_TEXT.search(value) or value != value.strip():
        raise Refused(
            f"{what} cannot be {value[:100]!r}",
            cure='use printable ASCII without " \\ and $',
        )
    return value


def realm(value: str) -> str:
    """The realm of basic authentication. The word ``off`` would be no authentication to nginx."""
    if value.lower() == "off":
        raise Refused(f"the realm cannot be {value!r}", cure="choose another word")
    return text(value, "the realm")


def url(value: str, *, short: bool = False) -> str:
    """An absolute HTTP(S) URL without user and fragment; ``short``: its host may be a single label (``localhost``)."""
    try:
        parts = urlsplit(value)
        port = parts.port
        host = parts.hostname or ""
        if not (short and _SHORT_HOSTNAME.fullmatch(host)):
            _address_or_name(host)
    except (ValueError, Refused):
        raise _no_url(value) from None
    shown_host = f"[{host}]" if ":" in host else host
    shown_port = "" if port is None else f":{number(port, 'port', 1, _HIGHEST_PORT)}"
    rest = parts.path + (f"?{parts.query}" if parts.query else "")
    if parts.scheme not in {"http", "https"} or parts.username is not None or parts.fragment:
        raise _no_url(value)
    if rest and not _PATH.fullmatch(rest):
        raise _no_url(value)
    return f"{parts.scheme}://{shown_host}{shown_port}{rest}"


def path(value: str) -> str:
    """The path of a URL, perhaps with a query."""
    if not _PATH.fullmatch(value):
        raise Refused(f"{value[:100]!r} is no path", cure="begin it with / and escape all but plain letters")
    return value


def secure(scheme: Scheme) -> bool:
    """Whether the scheme is one over TLS."""
    return Scheme(scheme) in {Scheme.HTTPS, Scheme.GRPCS}


def htpasswd(auth: BasicAuth) -> str:
    """The lines of a password file; each hash is one that crypt(3) or nginx itself knows and that costs something."""
    if not auth.users:
        raise Refused("nobody could sign in", cure="add a user or remove the password")
    for login, _ in auth.users:
        if not _LOGIN.fullmatch(login):
            raise Refused(f"login {login[:100]!r} cannot be", cure="use letters, digits and . _ @ -")
    for login, word in auth.users:
        if not _HASH.fullmatch(word):
            raise Refused(f"the password of {login} is no hash of crypt(3)", cure="set it anew")
    return "".join(f"{login}:{word}\n" for login, word in sorted(_once(auth.users)))


def _once(users: Iterable[tuple[str, str]]) -> Iterable[tuple[str, str]]:
    seen = dict(users)
    return seen.items()


def owner(name: str) -> str:
    """Somebody's name as HTML without any character that has a meaning anywhere."""
    shown = (char if unicodedata.category(char)[0] != "C" else "\ufffd" for char in name[:_LONGEST_OWNER])
    return "".join(char if char.isascii() and char.isalnum() else f"&#{ord(char)};" for char in shown)


def _address_or_name(host: str) -> None:
    if re.fullmatch(r"[0-9.]+|[0-9a-f:.]*:[0-9a-f:.]*", host):
        ip_address(host)
    elif not _HOSTNAME.fullmatch(host):
        raise Refused(f"{host!r} is no host name")


def _no_url(value: str) -> Refused:
    return Refused(
        f"{value[:100]!r} is no address to send visitors to", cure="write it as https://host/path, escaped"
    )
