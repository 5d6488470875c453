"""The sections of the proxy, of sites and of certificates."""

from pathlib import Path
from typing import Literal

from pydantic import Field

from skulldns.config.section import Section
from skulldns.config.values import (
    AbsolutePath,
    Address,
    Count,
    Duration,
    FilePath,
    Flag,
    Network,
    Port,
    Url,
    ZoneName,
)
from skulldns.model.sites import Header, Scheme


class ProxyConfig(Section):
    """The web proxy in front of the guests."""

    kind: Literal["nginx"] = "nginx"
    directory: AbsolutePath = Field(description="Directory of the files that SkullDNS writes.")
    addresses: tuple[Address, ...] = Field(min_length=1, description="Addresses that names of sites get.")
    program: str = Field("nginx", min_length=1, description="The proxy's program, which tests single sites.")
    test: tuple[str, ...] = Field(("nginx", "-t"), min_length=1, description="Command that tests the files.")
    reload: tuple[str, ...] = Field(
        ("nginx", "-s", "reload"), min_length=1, description="Command that makes the proxy read them."
    )
    listen: tuple[Address, ...] = Field(
        ("0.0.0.0", "::"),  # noqa: S104 - a public web server
        min_length=1,
        description="Addresses where the proxy listens.",
    )
    http_port: Port = Field(80, description="Its port for HTTP.")
    https_port: Port = Field(443, description="Its port for HTTPS.")
    status_port: Port = Field(8054, description="Its port on 127.0.0.1 that tells which files it runs.")
    error_log: AbsolutePath = Field(
        Path("/var/log/nginx/error.log"), description="Its error log, which says why it refused something."
    )
    templates: FilePath | None = Field(None, description="Directory of your own templates, by file name.")
    catch_all: Flag = Field(
        default=True,
        description="Whether names that nobody has are refused; false: by server blocks of yours.",
    )
    proxy_protocol: tuple[Network, ...] = Field(
        (), description="Who is in front of the proxy and tells clients' addresses by the PROXY protocol."
    )
    body_size: Count = Field(1 << 30, description="The most bytes of a request's body.")


class UpstreamSection(Section):
    """A web server that no guest here is."""

    address: Address = Field(description="Its IP address, inside of networks.")
    port: Port = Field(80, description="Its port.")
    scheme: Scheme = Field(Scheme.HTTP, description="http, https, grpc or grpcs.")
    verify: Flag = Field(
        default=False, description="Whether its certificate must be valid for the site's name."
    )


class BasicAuthSection(Section):
    """A password in front of a site."""

    realm: str = Field("private", description="What the browser shows when it asks.")
    users_file: FilePath = Field(description="File with a line login:hash for each, as htpasswd writes it.")


class ForwardAuthSection(Section):
    """A server that is asked whether a request may pass."""

    address: Address = Field(description="Its IP address, inside of networks.")
    port: Port = Field(80, description="Its port.")
    path: str = Field("/", description="The path that is asked for.")
    login: Url | None = Field(None, description="Where a visitor goes who must sign in first.")


class SiteSection(Section):
    """What is special at a site."""

    names: tuple[ZoneName, ...] = Field((), description="Further host names of it.")
    guest: ZoneName | None = Field(None, description="The name of the guest that it shows, if not its own.")
    upstream: UpstreamSection | None = Field(
        None, description="The web server that it shows, instead of a guest's."
    )
    scheme: Scheme | None = Field(None, description="How its guest's web server is talked to.")
    redirect: Url | None = Field(None, description="Where all its requests are sent instead.")
    http: Flag = Field(
        default=False, description="Whether port 80 serves it too; false: it redirects to HTTPS."
    )
    hsts: Duration | None = Field(None, description="For how long browsers shall use HTTPS only.")
    body_size: Count | None = Field(None, description="The most bytes of a request's body.")
    basic_auth: BasicAuthSection | None = Field(None, description="Who may enter with a password.")
    allow: tuple[Network, ...] = Field((), description="Who may enter; everybody if empty.")
    deny: tuple[Network, ...] = Field((), description="Who may not, before allow.")
    websockets: Flag = Field(default=True, description="Whether websockets may be opened.")
    forward_auth: ForwardAuthSection | None = Field(None, description="Who is asked about each request.")
    headers: dict[Header, str] = Field({}, description="Response headers, of a fixed list.")


class ExternalAccountSection(Section):
    """A CA's key for external account binding (RFC 8555 section 7.3.4)."""

    kid: str = Field(description="The key's identifier at the CA.")
    hmac_file: FilePath = Field(description="File with the key in base64url.")


class LimitSection(Section):
    """What a CA lets us have."""

    count: Count = Field(description="How many.")
    per: Duration = Field(description="In how long.")


class LimitsSection(Section):
    """A CA's limits, where they are not Let's Encrypt's."""

    orders: LimitSection | None = Field(None, description="Orders.")
    certificates: LimitSection | None = Field(None, description="Certificates for a registered domain.")
    same_names: LimitSection | None = Field(None, description="Certificates for the same set of names.")
    failures: LimitSection | None = Field(None, description="Failed validations of a name.")


class AuthoritySection(Section):
    """A CA with what is special there."""

    staging: Url | None = Field(
        None, description="Directory of its staging, which is tried first after a failure."
    )
    eab: ExternalAccountSection | None = Field(None, description="External account binding.")
    profile: str | None = Field(None, description="Certificate profile to ask this CA for.")
    root: FilePath | None = Field(None, description="File with the root to believe, of a private CA.")
    issuer: str | None = Field(
        None, description="Common name of the issuer whose chain is preferred, where the CA has several."
    )
    caa: tuple[str, ...] = Field((), description="Domains that CAA records may name for it, beside its own.")
    limits: LimitsSection = Field(
        LimitsSection(), description="Its limits, where they are not the usual ones."
    )


class ResolverSection(Section):
    """A name server that resolves any name."""

    address: Address = Field(description="Its IP address.")
    port: Port = Field(53, description="Its port.")


class AcmeConfig(Section):
    """Where certificates come from (RFC 8555)."""

    directories: tuple[Url, ...] = Field(
        min_length=1, description="Directories of the CAs, the preferred first."
    )
    contact: str | None = Field(None, pattern=r"^[^@\s]+@[^@\s]+$", description="Mail address for the CA.")
    profile: str | None = Field(None, description="Certificate profile to ask the CA for.")
    authorities: dict[Url, AuthoritySection] = Field(
        {}, description="What is special at a CA, by its directory."
    )
    resolver: ResolverSection | None = Field(
        None, description="Who is asked about names outside of our zones, instead of this machine's resolver."
    )
