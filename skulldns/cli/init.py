"""`skulldns init`: a first config, zone file and key that `check` accepts."""

import base64
import ipaddress
import json
import os
import re
import secrets
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import TypeVar

import click

from skulldns.errors import ConfigError, ConfigErrors

_KEY = "skulldns"
_SECRET_BYTES = 32
_DNS = 53
_PORTS = 65_535
_MODES = {".yaml": 0o644, ".key": 0o600}
T = TypeVar("T")

_CONFIG = Template("""\
# SkullDNS: see docs/config.md for every key. After an edit run 'skulldns check'.

state: /var/lib/skulldns                # ledger and certificates
database: sqlite:///skulldns.db         # relative to state

keys:
  $key: {algorithm: hmac-sha256, secret_file: tsig.key}

zones:
  $zone:
    file: zones/$zone.yaml              # static records
    # Other answers inside than outside? See "A zone with views" in docs/config.md.
    primary: $primary
    secondaries:$secondaries
    guests: true                        # guests get their names here
    mode: sync                          # sync | no-deletes | observe
    ttl: 60                             # seconds
    reverse: []                         # for PTR records, such as 2.0.192.in-addr.arpa

sources:
  - {kind: libvirt, uri: $libvirt, zone: $zone}

networks:                               # addresses that a guest may publish
$networks

guests:
  publish: guest                        # guest | proxy: whose addresses the guest's own name gets
  on_stop: keep                         # keep | withdraw: a stopped guest's names
  grace: 24h                            # how long after its end a guest's names stay
""")

_ZONE = Template("""\
# Static records of $zone, in octoDNS's format: see zones/README.md. For example:
#
# '':
#   type: MX
#   value: {preference: 10, exchange: mail.$zone.}
# mail:
#   - {type: A, value: 192.0.2.25}
#   - {type: AAAA, value: '2001:db8::25'}
{}
...                                     # the end: without this line, half a save may look whole
""")

_KEY_FILE = Template('key "$key" {\n\talgorithm hmac-sha256;\n\tsecret "$secret";\n};\n')

_NEXT = Template("""\
Next:
1. Copy tsig.key to the name servers as /etc/bind/skulldns.key, readable for BIND only.
2. On ns1 ($primary), in named.conf:

     include "/etc/bind/skulldns.key";
     zone "$zone" {
         type primary;
         file "/var/lib/bind/$zone.zone";
         update-policy { grant $key zonesub; };
         allow-transfer { key $key; };$also_notify
     };

   BIND keeps the zone file itself from now on: edit it only between 'rndc freeze' and 'rndc thaw'.
$secondary_step$check_step. Run 'skulldns check', then 'skulldns plan', then 'skulldns run'.
""")

_SECONDARY = Template("""\
3. On each secondary ($secondaries), in named.conf:

     include "/etc/bind/skulldns.key";
     zone "$zone" {
         type secondary;
         file "$zone.zone";
         primaries { $primary key $key; };
         allow-notify { key $key; };
     };

""")


@dataclass(frozen=True, slots=True)
class _Server:
    address: str
    port: int


@click.command()
@click.option(
    "--dir",
    "directory",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(),
    help="Where to write.  [default: here]",
)
@click.option("--zone", help="The zone, such as vmsrv.example.org.")
@click.option("--primary", help="Address of ns1, with :PORT if it is not 53.")
@click.option("--secondary", "secondaries", multiple=True, help="Address of a secondary; may be repeated.")
@click.option("--libvirt-uri", default="qemu:///system", show_default=True, help="Where the guests are.")
@click.option("--network", "networks", multiple=True, help="Network of the guests; may be repeated.")
def init(
    directory: Path,
    zone: str | None,
    primary: str | None,
    secondaries: tuple[str, ...],
    libvirt_uri: str,
    networks: tuple[str, ...],
) -> None:
    """Write a first config, zone file and key. Never overwrites a file."""
    name = _valid("--zone", zone or _ask("--zone", "Zone for the guests' names"), _zone)
    servers = [_valid("--primary", primary or _ask("--primary", "Address of ns1"), _server)]
    servers += [_valid("--secondary", secondary, _server) for secondary in secondaries]
    prefixes = networks or tuple(_ask("--network", "Network of the guests").split())
    ranges = [_valid("--network", network, _network) for network in prefixes]
    files = {
        directory / "skulldns.yaml": _config(
            name, servers, _valid("--libvirt-uri", libvirt_uri, _uri), ranges
        ),
        directory / "zones" / f"{name}.yaml": _ZONE.substitute(zone=name),
        directory / "tsig.key": _KEY_FILE.substitute(
            key=_KEY, secret=base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()
        ),
    }
    _write(files)
    for path in files:
        click.echo(f"wrote {path}")
    click.echo(_next_steps(name, servers))


def _ask(option: str, question: str) -> str:
    """Ask a person; without one, the option is missing."""
    if not sys.stdin.isatty():
        raise click.UsageError(f"the option {option} is missing")
    return str(click.prompt(question))


def _valid(option: str, text: str, read: Callable[[str], T]) -> T:
    try:
        return read(text)
    except ValueError as error:  # also the base of pydantic's errors
        raise click.BadParameter(str(error), param_hint=option) from None


def _zone(text: str) -> str:
    from skulldns.config.values import wrong, zone_name

    name = zone_name(text).to_text(omit_final_dot=True)
    if not re.fullmatch(r"[a-z0-9._-]+", name):
        raise wrong(f"{text!r} is not a host's domain", "use letters, digits and hyphens")
    return name


def _server(text: str) -> _Server:
    """``192.0.2.53``, ``192.0.2.53:5353``, ``2001:db8::53`` or ``[2001:db8::53]:5353``."""
    from skulldns.config.values import wrong

    parts = re.fullmatch(r"\[(?P<six>.*)\]:(?P<port6>\d+)|(?P<four>[^:]*):(?P<port4>\d+)", text)
    host = (parts["six"] or parts["four"]) if parts else text
    port = int((parts["port6"] or parts["port4"]) if parts else _DNS)
    if not 1 <= port <= _PORTS:
        raise wrong(f"{text} has no port from 1 to {_PORTS}", "write it like 192.0.2.53:53")
    return _Server(str(ipaddress.ip_address(host)), port)


def _network(text: str) -> str:
    return str(ipaddress.ip_network(text))


def _uri(text: str) -> str:
    from skulldns.config.values import libvirt_uri

    return libvirt_uri(text)


def _config(zone: str, servers: list[_Server], libvirt: str, networks: list[str]) -> str:
    primary, *secondaries = (
        f"{{address: '{each.address}', port: {each.port}, key: {_KEY}}}" for each in servers
    )
    return _CONFIG.substitute(
        key=_KEY,
        zone=zone,
        primary=primary,
        secondaries="".join(f"\n      - {each}" for each in secondaries) or " []",
        libvirt=json.dumps(libvirt),
        networks="\n".join(f"  - '{each}'" for each in networks),
    )


def _write(files: dict[Path, str]) -> None:
    """Write all files or none of them; ``ConfigError`` names those that are there already."""
    there = [path for path in files if path.exists() or path.is_symlink()]
    if there:
        raise ConfigErrors(
            [
                ConfigError("this file is there already", file=path, cure="move it away first")
                for path in there
            ]
        )
    written: list[Path] = []
    try:
        for path, text in files.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            # O_EXCL: a file that somebody writes in this very moment is not overwritten either.
            descriptor = os.open(
                path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _MODES[path.suffix]
            )
            written.append(path)
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(text)
    except OSError as error:
        for path in written:
            path.unlink(missing_ok=True)
        raise ConfigError(
            f"cannot be written: {error.strerror}", file=error.filename, cure="see --dir"
        ) from None


def _next_steps(zone: str, servers: list[_Server]) -> str:
    primary, *secondaries = servers
    addresses = " ".join(f"{each.address}{_port(each)};" for each in secondaries)
    second = _SECONDARY.substitute(
        key=_KEY,
        zone=zone,
        primary=f"{primary.address}{_port(primary)}",
        secondaries=", ".join(each.address for each in secondaries),
    )
    return _NEXT.substitute(
        key=_KEY,
        zone=zone,
        primary=primary.address,
        also_notify=f"\n         also-notify {{ {addresses} }};" if secondaries else "",
        secondary_step=second if secondaries else "",
        check_step=4 if secondaries else 3,
    )


def _port(server: _Server) -> str:
    return "" if server.port == _DNS else f" port {server.port}"
