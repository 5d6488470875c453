"""What a lab tells the world: `lab.json`, read into frozen values."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from skulldns.errors import ConfigError
from skulldns.lab.place import Place


@dataclass(frozen=True, slots=True)
class Server:
    """A name server of the lab; `rndc -c rndc_conf` controls it."""

    address: str
    port: int
    rndc_conf: Path


@dataclass(frozen=True, slots=True)
class Tsig:
    """A TSIG key (RFC 8945); `secret_file` holds the secret in base64 and nothing else."""

    name: str
    algorithm: str
    secret_file: Path

    @property
    def secret(self) -> str:
        """The secret in base64."""
        return self.secret_file.read_text(encoding="ascii").strip()


@dataclass(frozen=True, slots=True)
class Web:
    """The members' page: the address that members open, where it really listens, and who can sign in."""

    url: str
    address: str
    port: int
    login: str
    password_file: Path

    @property
    def password(self) -> str:
        """The admin's password."""
        return self.password_file.read_text(encoding="ascii").strip()


@dataclass(frozen=True, slots=True)
class LabInfo:
    """The content of `lab.json`. `pid` holds None for a part that is not running."""

    directory: Path
    zone: str
    reverse: tuple[str, ...]
    config: Path
    pid: Mapping[str, int | None]
    ns1: Server
    ns2: Server
    tsig: Tsig
    hand_tsig: Tsig
    libvirt_uri: str
    libvirt_network: str
    web: Web
    raw: Mapping[str, Any]

    @classmethod
    def read(cls, directory: Path) -> Self:
        """Read `lab.json` of this directory.

        Raises ConfigError if there is none.
        """
        place = Place(directory)
        try:
            raw = json.loads(place.lab_json.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise ConfigError(
                "there is no lab", file=place.directory, cure="start one with `skulldns lab up`"
            ) from None
        return cls(
            directory=place.directory,
            zone=raw["zone"],
            reverse=tuple(raw["reverse"]),
            config=Path(raw["config"]),
            pid=raw["pid"],
            ns1=_server(raw["ns1"]),
            ns2=_server(raw["ns2"]),
            tsig=_tsig(raw["tsig"]),
            hand_tsig=_tsig(raw["hand_tsig"]),
            libvirt_uri=raw["libvirt_uri"],
            libvirt_network=raw["libvirt_network"],
            web=Web(**{**raw["web"], "password_file": Path(raw["web"]["password_file"])}),
            raw=raw,
        )


def _server(raw: Mapping[str, Any]) -> Server:
    return Server(raw["address"], raw["port"], Path(raw["rndc_conf"]))


def _tsig(raw: Mapping[str, Any]) -> Tsig:
    return Tsig(raw["name"], raw["algorithm"], Path(raw["secret_file"]))
