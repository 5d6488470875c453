"""What the page is told at its start; the command line reads it from the config file."""

from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from pathlib import Path
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True)
class Service:
    """Another service through which members sign in (OpenID Connect Core 1.0), called ``name`` on the page.

    Members of ``admin_groups`` in the claim ``groups_claim`` are admins; with ``create``, whoever has an account there
    becomes a member.
    """

    name: str
    issuer: str
    client_id: str
    client_secret: str = field(repr=False)
    groups_claim: str | None = None
    admin_groups: tuple[str, ...] = ()
    create: bool = False


@dataclass(frozen=True, slots=True)
class WebSettings:
    """How the page is reached. ``url`` is the address that members open; ``proxies`` are believed about clients.

    ``installation`` is its title; ``secret`` signs cookies and is at least 256 random bits; ``leaked`` is a list of
    leaked passwords, if there is one; ``service`` another way to sign in; ``translations`` are directories of
    catalogues beside the page's own; ``addresses`` are the proxy's, where members lead their own domains; ``processes``
    is how many serve the page. Over plain HTTP, which only a loopback address may use, cookies have no prefix.
    """

    url: str
    secret: bytes = field(repr=False)
    installation: str = "SkullDNS"
    proxies: tuple[IPv4Network | IPv6Network, ...] = ()
    leaked: Path | None = None
    service: Service | None = None
    translations: tuple[Path, ...] = ()
    addresses: tuple[IPv4Address | IPv6Address, ...] = ()
    processes: int = 1

    @property
    def secure(self) -> bool:
        """Whether members come over HTTPS."""
        return urlsplit(self.url).scheme == "https"

    @property
    def host(self) -> str:
        """Host and port as browsers send them."""
        return urlsplit(self.url).netloc.lower()

    @property
    def domain(self) -> str:
        """The host without port: what passkeys are bound to (WebAuthn's relying party identifier)."""
        return urlsplit(self.url).hostname or ""

    @property
    def words(self) -> tuple[str, ...]:
        """Words of which no password is made: the installation's own (OWASP ASVS 5.0, V6.1.2)."""
        return ("skulldns", *self.installation.casefold().split(), *self.domain.split("."))

    @property
    def origin(self) -> str:
        """The origin as browsers send it (RFC 6454)."""
        return f"{urlsplit(self.url).scheme}://{self.host}"

    def cookie(self, name: str) -> str:
        """A cookie's name: bound to this very host where that is possible (RFC 6265bis section 4.1.3.2)."""
        return f"__Host-{name}" if self.secure else name
