"""The sections of zones, their servers and keys."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from skulldns.config.section import Section
from skulldns.config.values import (
    Address,
    FilePath,
    Flag,
    Network,
    Port,
    ReverseName,
    Seconds,
    ViewName,
    wrong,
)
from skulldns.model.policy import Mode, Publish

_WEAK = {"hmac-md5": "MD5 is broken", "hmac-sha1": "SHA-1 is broken", "hmac-sha224": "it is seldom built in"}


def _strong(value: object) -> object:
    name = str(value).lower().removesuffix(".sig-alg.reg.int")
    if name in _WEAK:
        raise wrong(f"{name} is refused, since {_WEAK[name]}", "make a key with 'tsig-keygen -a hmac-sha256'")
    return value


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


class PlainServer(Section):
    """A name server that is asked without a key."""

    address: Address = Field(description="IP address.")
    port: Port = Field(53, description="Port for DNS over TCP and UDP.")


class ViewSection(Section):
    """One view of a zone: other servers, or other keys at the same ones, and other answers."""

    primary: ServerConfig = Field(description="The server that takes updates of this view.")
    secondaries: tuple[ServerConfig, ...] = Field((), description="Servers that transfer this view.")
    publish: Publish | None = Field(
        None, description="Whose addresses guests' names get in this view; else as guests say."
    )
    clients: tuple[Network, ...] = Field(
        (), description="Networks that are answered from this view; everybody if empty."
    )
    reverse: tuple[ReverseName, ...] | None = Field(
        None, description="Reverse zones of this view, if not those of the zone."
    )


class ZoneSection(Section):
    """A zone to publish into."""

    file: FilePath | None = Field(None, description="YAML file with static records.")
    primary: ServerConfig | None = Field(None, description="The server that takes updates.")
    secondaries: tuple[ServerConfig, ...] = Field((), description="Servers that transfer the zone.")
    views: dict[ViewName, ViewSection] = Field(
        {}, description="The zone's views by their names, in place of primary and secondaries."
    )
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
    parent: tuple[PlainServer, ...] | None = Field(
        None,
        description="Servers of the parent zone; none if it has no parent; else the resolver knows them.",
    )
