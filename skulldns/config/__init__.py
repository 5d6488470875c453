"""CONFIG: the files that an admin writes, read and validated once into frozen values.

``load`` reads the config file, ``load_zone_file`` a zone's YAML. Both raise ``ConfigError`` with file, line,
column and cure, or ``ConfigErrors`` for several at once.
"""

from skulldns.config.keys import TsigKey
from skulldns.config.loading import Config, load, state_directory
from skulldns.config.sections import GuardConfig, MemberPolicy
from skulldns.config.sitesections import AcmeConfig, AuthoritySection, LimitsSection, ProxyConfig
from skulldns.config.sourcesections import (
    GuestPolicy,
    IncusSourceConfig,
    LibvirtSourceConfig,
    LxcSourceConfig,
    SourceConfig,
    StaticGuest,
    StaticSourceConfig,
)
from skulldns.config.websections import WebConfig
from skulldns.config.zonerules import ViewConfig, ZoneConfig
from skulldns.config.zones import load_zone, load_zone_file, reload_zone, strays
from skulldns.config.zonesections import ServerConfig

__all__ = [
    "AcmeConfig",
    "AuthoritySection",
    "Config",
    "GuardConfig",
    "GuestPolicy",
    "IncusSourceConfig",
    "LibvirtSourceConfig",
    "LimitsSection",
    "LxcSourceConfig",
    "MemberPolicy",
    "ProxyConfig",
    "ServerConfig",
    "SourceConfig",
    "StaticGuest",
    "StaticSourceConfig",
    "TsigKey",
    "ViewConfig",
    "WebConfig",
    "ZoneConfig",
    "load",
    "load_zone",
    "load_zone_file",
    "reload_zone",
    "state_directory",
    "strays",
]
