"""The sections of sources and of what guests get."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from skulldns.config.section import Section
from skulldns.config.values import (
    AbsolutePath,
    Address,
    Believed,
    Duration,
    FilePath,
    Flag,
    LibvirtUri,
    Login,
    Port,
    PublishChoice,
    Url,
    ZoneName,
)
from skulldns.model.policy import Https, OnStop, Publish

_DAY = 86_400.0


def _off(value: object) -> object:
    """YAML 1.1 reads ``off`` as false; nothing else can be meant here."""
    return Https.OFF if value is False else value


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
    publish: PublishChoice | None = Field(None, description="Whose addresses its name gets.")
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
    publish: PublishChoice | None = Field(None, description="Whose addresses its name gets.")
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
