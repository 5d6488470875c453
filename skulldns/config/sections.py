"""The shape of the config file: one frozen pydantic model for each section, unknown keys forbidden."""

import json
from pathlib import Path
from typing import Annotated

from pydantic import Field

from skulldns.config.section import Section
from skulldns.config.sitesections import AcmeConfig, ProxyConfig, SiteSection
from skulldns.config.sourcesections import GuestPolicy, SourceConfig
from skulldns.config.values import (
    Count,
    DatabaseUrl,
    Duration,
    FilePath,
    Flag,
    Network,
    Percent,
    Place,
)
from skulldns.config.websections import NoticesConfig, WebConfig
from skulldns.config.zonesections import KeySection, PlainServer, ZoneSection
from skulldns.model.policy import Approval

_DAY = 86_400.0


class MemberPolicy(Section):
    """What members may claim."""

    quota: Count = Field(5, description="How many names a member may hold.")
    reserved: tuple[str, ...] = Field(
        (), description="Labels that nobody may claim, beside the built-in ones."
    )
    approval: Approval = Field(Approval.NONE, description="Which claims wait for an admin: none or all.")
    quarantine: Duration = Field(30 * _DAY, description="How long a released name stays blocked for others.")
    domains: Flag = Field(default=True, description="Whether members may bring domains of their own.")
    address_networks: tuple[Network, ...] = Field(
        (), description="Networks in which members' own addresses may be, beside all public ones."
    )


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
    resolver: tuple[PlainServer, ...] = Field(
        (), description="Resolvers that know the zones' parents; if there are none, the system's."
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
    notices: NoticesConfig | None = Field(None, description="Who is told of what happens, and how.")
    policy: MemberPolicy = Field(MemberPolicy(), description="What members may claim.")
    guard: GuardConfig = Field(GuardConfig(), description="When a plan needs a person.")


def schema_text() -> str:
    """The JSON Schema of the config file, as ``skulldns/config.schema.json`` holds it."""
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **ConfigFile.model_json_schema()}
    return json.dumps(schema, indent=2) + "\n"
