"""What the files of the proxy depend on beside the sites."""

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Network
from pathlib import PurePosixPath

from dns.name import Name

from skulldns.errors import ConfigError
from skulldns.model.guests import IPAddress

GENERATION = "@generation@"
"""Stands in the files where the number of their generation belongs; whoever writes the files puts it in."""

_PATH = re.compile(r"(?:/[A-Za-z0-9_+][A-Za-z0-9._+-]*)+")
_ROOTS = PurePosixPath("/etc/ssl/certs/ca-certificates.crt")
_OLDEST = (1, 19, 5)
_HTTP2_DIRECTIVE = (1, 25, 1)
_HTTP3 = (1, 25, 1)  # builds of earlier ones are experiments


@dataclass(frozen=True, slots=True)
class Features:
    """What an nginx can do.

    ``http2_directive``: ``http2 on`` instead of a parameter of ``listen`` (1.25.1); ``http2``, ``http3`` (1.25.1):
    whether it was built with them.
    """

    http2: bool = True
    http2_directive: bool = False
    http3: bool = False

    @classmethod
    def found(cls, told: str) -> "Features":
        """Read the output of ``nginx -V``. Raises ConfigError for one that is too old to refuse TLS handshakes."""
        match = re.search(r"^nginx version: \S+?/(\d+)\.(\d+)\.(\d+)", told, re.MULTILINE)
        if match is None:
            raise ConfigError("`nginx -V` shows no version of nginx", cure="install nginx")
        version = (int(match[1]), int(match[2]), int(match[3]))
        if version < _OLDEST:
            shown = ".".join(match.groups())
            raise ConfigError(f"nginx {shown} is too old", cure="install nginx 1.19.5 or newer")
        return cls(
            http2="--with-http_v2_module" in told,
            http2_directive=version >= _HTTP2_DIRECTIVE,
            http3=version >= _HTTP3 and "--with-http_v3_module" in told,
        )


@dataclass(frozen=True, slots=True)
class Listen:
    """Where nginx listens. With ``proxy_protocol`` every connection must begin with a PROXY protocol header."""

    address: IPAddress
    port: int
    proxy_protocol: bool = False

    def __str__(self) -> str:
        return socket_address(self.address, self.port)


@dataclass(frozen=True, slots=True)
class ProxySettings:
    """How the proxy is set up.

    ``directory`` has ``current``, the link to the running generation, and ``generations``. Challenges of HTTP-01 lie in
    ``challenges`` below ``.well-known/acme-challenge``. ``zones`` have a wildcard certificate, whose identity is the
    zone's name. Upstreams lie in ``networks`` and are not ``forbidden`` ones, or are ``own`` servers such as the
    members' page. ``senders`` may say the client's address by the PROXY protocol. ``body_size`` is in bytes, for
    sites that say nothing else. ``status`` is where nginx tells its generation, on loopback. Without ``catch_all``
    another server block is the default one of the listening addresses. ``roots`` is a file with the CAs to believe
    for upstreams.
    """

    directory: PurePosixPath
    challenges: PurePosixPath
    http: tuple[Listen, ...]
    https: tuple[Listen, ...]
    networks: tuple[IPv4Network | IPv6Network, ...]
    zones: tuple[Name, ...] = ()
    forbidden: frozenset[IPAddress] = frozenset()
    own: frozenset[tuple[IPAddress, int]] = frozenset()
    senders: tuple[IPv4Network | IPv6Network, ...] = ()
    status: Listen = Listen(IPv4Address("127.0.0.1"), 8054)
    body_size: int = 1 << 30
    catch_all: bool = True
    roots: PurePosixPath = _ROOTS
    features: Features = Features()

    def __post_init__(self) -> None:
        for path in (self.directory, self.challenges, self.roots):
            if not _PATH.fullmatch(str(path)):
                raise ConfigError(
                    f"nginx cannot be told the path {str(path)!r}",
                    cure="choose an absolute path of letters, digits and . _ + -",
                )
        if not self.http or not self.https:
            raise ConfigError(
                "the proxy listens nowhere", cure="give it an address for HTTP and one for HTTPS"
            )
        if not self.status.address.is_loopback:
            raise ConfigError(
                "nginx would tell its generation to everybody", cure="choose a loopback address"
            )

    @property
    def current(self) -> PurePosixPath:
        """The link to the running generation."""
        return self.directory / "current"


def socket_address(address: IPAddress, port: int) -> str:
    """``192.0.2.1:80`` or ``[2001:db8::1]:80``."""
    return f"{address}:{port}" if isinstance(address, IPv4Address) else f"[{address}]:{port}"
