"""`make run`: a lab, a guest called hello, and each step on the way of its name with its milliseconds."""

import argparse
import re
import signal
import socket
import ssl
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import dns.exception
import dns.flags
import dns.message
import dns.query
import dns.rcode
import dns.rdatatype
from cryptography import x509
from rich.live import Live
from rich.table import Table
from rich.text import Text

from skulldns.cli.status import names_table
from skulldns.cli.text import console
from skulldns.config import Config, load
from skulldns.daemon.control import ask
from skulldns.errors import SkullDNSError
from skulldns.lab import Lab, LabInfo, Server
from skulldns.lab.parts import EVERYTHING

GUEST = "hello"
_PATIENCE = 15.0
_PAUSE = 0.002
_REFRESH = 0.5


@dataclass(frozen=True, slots=True)
class Step:
    """One step on the way: ``look`` gives what was seen and when (Unix time), or None while it has not happened."""

    title: str
    look: Callable[[], tuple[str, float] | None]


def main() -> int:
    """Run the demonstration; returns the exit code."""
    parser = argparse.ArgumentParser(prog="make run", description=__doc__)
    parser.add_argument("--once", action="store_true", help="leave when every step has happened")
    once = parser.parse_args().once
    # SIGTERM ends it as Ctrl-C does, so that everything is cleaned up.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    out = console()
    try:
        out.print(
            "starting the lab: ns1, ns2, a hypervisor, a test CA, nginx, the daemon and the page, all on loopback ..."
        )
        begun = time.perf_counter()
        with Lab.up(extra=EVERYTHING) as lab:
            out.print(f"ready in {time.perf_counter() - begun:.1f} s in {lab.info.directory}\n")
            happened = _show_steps(lab)
            _show_page(lab.info)
            if once:
                return 0 if happened else 1
            _stay(lab)
    except SkullDNSError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        out.print("\neverything is taken down again")
    return 0


def _show_steps(lab: Lab) -> bool:
    """Create the guest and print each step as it happens; True when all did."""
    out, info, config = console(), lab.info, load(lab.info.config)
    steps = _steps(info, config)
    created = time.time()
    lab.guest(GUEST).create(owner=info.web.login)
    out.print(Text(f"guest {GUEST} was created and started", style="bold"))

    def watch(step: Step) -> tuple[str, float] | None:
        while time.time() - created < _PATIENCE:
            if (seen := step.look()) is not None:
                return seen
            time.sleep(_PAUSE)
        return None

    happened = True
    with ThreadPoolExecutor(len(steps)) as pool:
        for step, seen in zip(steps, pool.map(watch, steps), strict=True):
            if seen is None:
                out.print(Text.assemble(("  ✗ ", "red"), f"{step.title:<14} not within {_PATIENCE:.0f} s"))
                happened = False
                continue
            taken = max(0.0, (seen[1] - created) * 1000)
            out.print(Text.assemble(("  ✓ ", "green"), f"{step.title:<14}{taken:7.1f} ms   {seen[0]}"))
    name = ask(config.state, "name", name=f"{GUEST}.{info.zone}")
    out.print(Text("\n  ") + Text(f"{name['name']} is {name['state']}: {', '.join(name['records'])}"))
    return happened and name["state"] == "served"


def _show_page(info: LabInfo) -> None:
    """Where the members' page is, and how to get in."""
    out, web = console(), info.web
    out.print(
        Text.assemble(
            "\n  the members' page is at ",
            (web.url, "bold underline"),
            ", where ",
            (GUEST, "bold"),
            " is yours",
        )
    )
    out.print(
        Text.assemble("  sign in as ", (web.login, "bold"), " with the password ", (web.password, "bold"))
    )


def _steps(info: LabInfo, config: Config) -> list[Step]:
    name = f"{GUEST}.{info.zone}"

    def guest_seen() -> tuple[str, float] | None:
        guests = [one for one in ask(config.state, "guests") if one["name"] == GUEST and one["addresses"]]
        return (
            (f"the hypervisor shows it with {guests[0]['addresses'][0]['ip']}", time.time())
            if guests
            else None
        )

    def record_sent() -> tuple[str, float] | None:
        at = ask(config.state, "name", name=name)["sent_at"]
        return (f"UPDATE to {info.ns1.address}#{info.ns1.port}", at) if at is not None else None

    return [
        Step("guest seen", guest_seen),
        Step("record sent", record_sent),
        Step("ns1 answers", lambda: _answer(info.ns1, name)),
        Step("ns2 answers", lambda: _answer(info.ns2, name)),
        Step("certificate", lambda: _certificate(config.state, info.zone)),
        Step("HTTPS answers", lambda: _page(info, name)),
    ]


def _certificate(state: Path, zone: str) -> tuple[str, float] | None:
    """The zone's wildcard certificate, once it is there; usually it was before the guest."""
    try:
        chain = (state / "certificates" / zone / "current" / "chain.pem").read_bytes()
    except OSError:
        return None
    leaf = x509.load_pem_x509_certificate(chain)
    names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    shown = ", ".join(names.get_values_for_type(x509.DNSName))
    return f"{shown}, valid until {leaf.not_valid_after_utc:%Y-%m-%d}", time.time()


def _page(info: LabInfo, name: str) -> tuple[str, float] | None:
    """The guest's own page through the proxy, its certificate verified against the lab CA's root."""
    proxy, root = info.raw["proxy"], info.raw["acme"]["root"]
    try:
        tls = ssl.create_default_context(cafile=root)
        with (
            socket.create_connection((proxy["address"], proxy["https_port"]), timeout=1) as plain,
            tls.wrap_socket(plain, server_hostname=name) as connection,
        ):
            connection.sendall(f"GET / HTTP/1.0\r\nHost: {name}\r\n\r\n".encode())
            answer = b"".join(iter(lambda: connection.recv(65_536), b"")).decode()
    except (OSError, UnicodeDecodeError):
        return None
    title = re.search(r"<title>(.*?)</title>", answer)
    if not answer.startswith("HTTP/1.1 200") or title is None or title[1] != GUEST:
        return None
    return f"https://{name} shows the guest's own page, verified against the CA's root", time.time()


def _answer(server: Server, name: str) -> tuple[str, float] | None:
    """The server's own authoritative answer, or None while it has none."""
    query = dns.message.make_query(name, dns.rdatatype.A, flags=0)
    try:
        reply = dns.query.udp(query, server.address, port=server.port, timeout=1)
    except (OSError, dns.exception.DNSException):
        return None
    if reply.rcode() != dns.rcode.NOERROR or not reply.answer or not reply.flags & dns.flags.AA:
        return None
    return reply.answer[0].to_text(), time.time()


def _stay(lab: Lab) -> None:
    """Show a live table of names until Ctrl-C."""
    out, info, config = console(), lab.info, load(lab.info.config)
    out.print("\ntry in another terminal:")
    out.print(f"  .venv/bin/skulldns lab guest create web --dir {info.directory}")
    out.print(f"  .venv/bin/skulldns why hello --config {info.config}")
    proxy, name = info.raw["proxy"], f"{GUEST}.{info.zone}"
    connect = f"--connect-to {name}:443:{proxy['address']}:{proxy['https_port']}"
    out.print(f"  curl --cacert {info.raw['acme']['root']} {connect} https://{name}/")
    out.print(f"  dig @{info.ns2.address} -p {info.ns2.port} hello.{info.zone}\n")
    with Live(console=out, auto_refresh=False, transient=True) as live:
        while lab.is_alive():
            live.update(_table(config), refresh=True)
            time.sleep(_REFRESH)


def _table(config: Config) -> Table | Text:
    try:
        return names_table(ask(config.state, "status")["names"])
    except SkullDNSError as error:
        return Text(str(error), style="red")


if __name__ == "__main__":
    sys.exit(main())
