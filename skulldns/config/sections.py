"""The shape of the config file: one frozen pydantic model for each section, unknown keys forbidden."""

import json
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from skulldns.config.values import (
    AbsolutePath,
    Address,
    Believed,
    Count,
    DatabaseUrl,
    Duration,
    FilePath,
    Flag,
    LibvirtUri,
    Listen,
    Login,
    Network,
    Percent,
    Place,
    Port,
    ReverseName,
    Seconds,
    Url,
    ZoneName,
    wrong,
)
from skulldns.model.policy import Approval, Https, Mode, OnStop, Publish
from skulldns.model.sites import Header, Scheme

_WEAK = {"hmac-md5": "MD5 is broken", "hmac-sha1": "SHA-1 is broken", "hmac-sha224": "it is seldom built in"}
_DAY = 86_400.0


def _strong(value: object) -> object:
    name = str(value).lower().removesuffix(".sig-alg.reg.int")
    if name in _WEAK:
        raise wrong(f"{name} is refused, since {_WEAK[name]}", "make a key with 'tsig-keygen -a hmac-sha256'")
    return value


def _off(value: object) -> object:
    """YAML 1.1 reads ``off`` as false; nothing else can be meant here."""
    return Https.OFF if value is False else value


class Section(BaseModel):
    """What all sections share. Errors never show the value, since it may be a secret in the wrong place."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        arbitrary_types_allowed=True,
        hide_input_in_errors=True,
        validate_default=True,
    )


class KeySection(Section):
    """A TSIG key (RFC 8945)."""

    algorithm: Annotated[Literal["hmac-sha256", "hmac-sha384", "hmac-sha512"], BeforeValidator(_strong)] = (
        Field(description="The key's HMAC.")
    )
    secret_file: FilePath = Field(description="File with the secret in base64, or BIND's key statement.")


class ServerConfig(Section):
    """A name server of a zone."""

    address: Address = Field(description="IP address.")
    port: Port = Field(53, description="Port for DNS over TCP and UDP.")
    key: str = Field(description="Which entry of keys signs queries, updates and notifies.")


class ZoneSection(Section):
    """A zone to publish into."""

    file: FilePath | None = Field(None, description="YAML file with static records.")
    primary: ServerConfig = Field(description="The server that takes updates.")
    secondaries: tuple[ServerConfig, ...] = Field((), description="Servers that transfer the zone.")
    guests: Flag = Field(default=False, description="Whether guests get their names here.")
    claims: Flag = Field(default=False, description="Whether members may claim names here.")
    mode: Mode = Field(Mode.SYNC, description="sync; no-deletes; observe: change nothing.")
    ttl: Seconds = Field(
        60, description="TTL of guests' names, and of static records without one, in seconds."
    )
    escaped_semicolons: Flag = Field(
        default=True, description="Whether the zone file writes semicolons in TXT as octoDNS does: \\;."
    )
    reverse: tuple[ReverseName, ...] = Field(
        (), description="Reverse zones on the same servers, for PTR records."
    )


class SourceSection(Section):
    """What all sources have in common."""

    zone: ZoneName = Field(description="The zone for its guests' names.")


class HostSection(SourceSection):
    """A source with networks of its own, where a guest can say more than the host knows."""

    agent: Believed = Field(
        (), description="Where to believe addresses that a guest itself tells: true, false or networks."
    )
    arp: Believed = Field(
        (), description="Where to believe addresses from the host's ARP table: true, false or networks."
    )


class LibvirtSourceConfig(HostSection):
    """Guests of a libvirt host."""

    kind: Literal["libvirt"] = "libvirt"
    uri: LibvirtUri = Field(description="libvirt connection URI.")


class LxcSourceConfig(HostSection):
    """Classic LXC containers of this host."""

    kind: Literal["lxc"] = "lxc"
    path: AbsolutePath = Field(description="Directory of the containers.")
    leases: tuple[AbsolutePath, ...] = Field(
        (), description="Lease files of dnsmasq, beside the usual ones of the containers' bridges."
    )


class IncusSourceConfig(HostSection):
    """Guests of Incus or LXD."""

    kind: Literal["incus"] = "incus"
    socket: AbsolutePath | None = Field(None, description="Unix socket of its API.")
    url: Url | None = Field(None, description="Address of its API, instead of a socket.")
    certificate: FilePath | None = Field(None, description="File with the client's certificate, with url.")
    key: FilePath | None = Field(None, description="File with the client's key, with url.")
    server_certificate: FilePath | None = Field(
        None, description="File with the server's own certificate, with url; else the system's CAs count."
    )
    projects: tuple[str, ...] = Field((), description="Projects whose guests count; all where none is named.")
    leases: tuple[AbsolutePath, ...] = Field(
        (), description="Lease files of dnsmasq, beside those of its own networks."
    )


class StaticGuest(Section):
    """A machine that no hypervisor here knows."""

    addresses: tuple[Address, ...] = Field(min_length=1, description="Its IP addresses.")
    owner: Login | None = Field(None, description="The member who owns it.")
    port: Port | None = Field(None, description="The port of its web server.")
    names: tuple[str, ...] = Field((), description="Further names for it.")
    publish: Publish | None = Field(None, description="Whose addresses its name gets.")
    https: Annotated[Https | None, BeforeValidator(_off)] = Field(None, description="Whether it gets a site.")


class StaticSourceConfig(SourceSection):
    """Machines that no hypervisor here knows."""

    kind: Literal["static"] = "static"
    guests: dict[str, StaticGuest] = Field(min_length=1, description="The machines by their names.")


class AssignmentSection(Section):
    """What an admin says of a guest; it wins over `skulldns guest assign` and the hypervisor's side."""

    owner: Login | None = Field(None, description="The member who owns it.")
    port: Port | None = Field(None, description="The port of its web server.")
    names: tuple[str, ...] | None = Field(None, description="Further names for it.")
    publish: Publish | None = Field(None, description="Whose addresses its name gets.")
    https: Annotated[Https | None, BeforeValidator(_off)] = Field(None, description="Whether it gets a site.")


SourceConfig = LibvirtSourceConfig | LxcSourceConfig | IncusSourceConfig | StaticSourceConfig


class GuestPolicy(Section):
    """What guests get without asking."""

    publish: Publish = Field(Publish.GUEST, description="Whose addresses the guest's own name gets.")
    https: Annotated[Https, BeforeValidator(_off)] = Field(
        Https.AUTO, description="auto: every running guest gets a site; off."
    )
    port: Port = Field(80, description="Where a guest's web server listens if nobody says otherwise.")
    on_stop: OnStop = Field(OnStop.KEEP, description="What becomes of a stopped guest's names.")
    grace: Duration = Field(_DAY, description="How long after its end a guest's names stay.")
    show_owner: Flag = Field(
        default=False, description="Whether the page of a guest that is not there says whose it is."
    )
    assign: dict[str, AssignmentSection] = Field(
        {}, description="What guests are assigned, by their names or identities."
    )


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


class ExternalAccountSection(Section):
    """A CA's key for external account binding (RFC 8555 section 7.3.4)."""

    kid: str = Field(description="The key's identifier at the CA.")
    hmac_file: FilePath = Field(description="File with the key in base64url.")


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


class WebConfig(Section):
    """The members' page."""

    url: Url = Field(description="The address that members open.")
    listen: Listen = Field("127.0.0.1:8053", description="Address and port where the page listens.")


class MemberPolicy(Section):
    """What members may claim."""

    quota: Count = Field(5, description="How many names a member may hold.")
    reserved: tuple[str, ...] = Field(
        (), description="Labels that nobody may claim, beside the built-in ones."
    )
    approval: Approval = Field(Approval.NONE, description="Which claims wait for an admin: none or all.")
    quarantine: Duration = Field(30 * _DAY, description="How long a released name stays blocked for others.")


class GuardConfig(Section):
    """When a plan is too big to be made without a person."""

    deletes_percent: Percent = Field(30, description="The most of a zone's names that one plan may delete.")


class ConfigFile(Section):
    """The config file of SkullDNS."""

    state: FilePath = Field(Path("/var/lib/skulldns"), description="Directory of ledger and certificates.")
    database: DatabaseUrl = Field("sqlite:///skulldns.db", description="SQLAlchemy URL; relative to state.")
    keys: dict[str, KeySection] = Field(description="TSIG keys by their names.")
    zones: dict[str, ZoneSection] = Field(min_length=1, description="Zones by their names.")
    sources: tuple[Annotated[SourceConfig, Field(discriminator="kind")], ...] = Field(
        (), description="What knows guests."
    )
    look_every: Annotated[Duration, Field(ge=1)] = Field(
        60.0, description="How often everything is looked at, whether or not something was heard."
    )
    networks: tuple[Network, ...] = Field((), description="Networks whose addresses a guest may publish.")
    excluded: tuple[Place, ...] = Field(
        (), description="Addresses or networks that no guest publishes: gateways, other hosts."
    )
    guests: GuestPolicy = Field(GuestPolicy(), description="What guests get without asking.")
    proxy: ProxyConfig | None = Field(None, description="The web proxy in front of the guests.")
    sites: dict[str, SiteSection] = Field({}, description="What is special at single sites, by host name.")
    acme: AcmeConfig | None = Field(None, description="Where certificates come from.")
    web: WebConfig | None = Field(None, description="The members' page.")
    policy: MemberPolicy = Field(MemberPolicy(), description="What members may claim.")
    guard: GuardConfig = Field(GuardConfig(), description="When a plan needs a person.")


def schema_text() -> str:
    """The JSON Schema of the config file, as ``skulldns/config.schema.json`` holds it."""
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **ConfigFile.model_json_schema()}
    return json.dumps(schema, indent=2) + "\n"
