"""CONFIG: the files that an admin writes, read and validated once into frozen values.

``load`` reads the config file, ``load_zone_file`` a zone's YAML. Both raise ``ConfigError`` with file, line,
column and cure, or ``ConfigErrors`` for several at once.
"""

from skulldns.config.keys import TsigKey
from skulldns.config.loading import Config, ZoneConfig, load, state_directory
from skulldns.config.sections import (
    AcmeConfig,
    AuthoritySection,
    GuardConfig,
    GuestPolicy,
    IncusSourceConfig,
    LibvirtSourceConfig,
    LimitsSection,
    LxcSourceConfig,
    MemberPolicy,
    ProxyConfig,
    ServerConfig,
    SourceConfig,
    StaticGuest,
    StaticSourceConfig,
    WebConfig,
)
from skulldns.config.zones import load_zone, load_zone_file, strays

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
    "WebConfig",
    "ZoneConfig",
    "load",
    "load_zone",
    "load_zone_file",
    "state_directory",
    "strays",
]
