"""Health as one list of named pings, the same for `doctor`, the metrics and whoever watches."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from skulldns.loop.front import CertificateLine, ProxyReport, left
from skulldns.loop.outlooks import OutlookLine
from skulldns.loop.report import ServerReport, SourceReport, Status
from skulldns.model.outlook import Finding, Standing
from skulldns.plan.delegation import SERIAL

LEAST_FREE = 100 * 1024 * 1024
"""Bytes on the disk of the state directory below which somebody should make room."""

_READY = "ready"
_LATELY = 60.0
"""Seconds within which something was looked at just now."""
_BEGIN_OF_2024 = 1_704_067_200.0
_MOMENT = "ask again in a moment"


@dataclass(frozen=True, slots=True)
class Machine:
    """The machine that we run on.

    ``state`` is the state directory, ``database`` why nothing can be written there (None: it can), ``free`` and
    ``size`` of its disk are in bytes, ``jumped`` is by how many seconds the wall clock has jumped lately.
    """

    state: str
    database: str | None
    free: int
    size: int
    jumped: float


@dataclass(frozen=True, slots=True)
class Ping:
    """One thing that was looked at: its kind and name, whether it is well, a sentence, and the cure if it is not.

    What cannot be told from here is not ``known``, and good until it is.
    """

    kind: str
    name: str
    good: bool
    text: str
    cure: str = ""
    known: bool = True


def well(kind: str, name: str, text: str) -> Ping:
    """A thing that is well."""
    return Ping(kind, name, good=True, text=text)


def ill(kind: str, name: str, sentence: str) -> Ping:
    """A thing that is not, by the sentence of its error: what, a semicolon, the cure."""
    what, _, cure = sentence.rpartition("; ")
    return Ping(kind, name, good=False, text=what or cure, cure=cure if what else "")


def pings(status: Status, files: Mapping[str, str | None], machine: Machine, now: float) -> Sequence[Ping]:
    """Everything that can be looked at.

    ``files`` has for the zone file of each zone why it cannot be read; None where it can.
    """
    found = [
        ill("zone file", zone, error) if error else well("zone file", zone, "is read")
        for zone, error in files.items()
    ]
    found += map(_source, status.sources)
    found += map(_server, status.servers)
    found += _machine(machine, now)
    if status.proxy:
        found += _proxy(status.proxy)
    found += [_certificate(line, now) for line in status.certificates]
    found += _outlooks(status.outlooks, now)
    return found


def _source(source: SourceReport) -> Ping:
    if source.state == _READY:
        return well("source", source.name, source.reason or f"answers, {source.guests} guests")
    return ill("source", source.name, source.reason or f"{source.state}; {_MOMENT}")


def _server(server: ServerReport) -> Ping:
    name = f"{server.zone} {server.role} {server.address}"
    if server.state == _READY:
        return well("server", name, f"answers, serial {server.serial}")
    return ill("server", name, server.reason or f"{server.state}; {_MOMENT}")


def _machine(machine: Machine, now: float) -> Iterator[Ping]:
    kind = "database"
    yield ill(kind, "", machine.database) if machine.database else well(kind, "", "can be written")
    free = f"{machine.free / 2**30:,.1f} GiB of {machine.size / 2**30:,.1f} GiB are free"
    if machine.free >= LEAST_FREE:
        yield well("disk", machine.state, free)
    else:
        yield ill("disk", machine.state, f"{machine.free / 2**20:,.0f} MiB are free; make room on it")
    cure = "see that the machine's time service runs"
    if now < _BEGIN_OF_2024:
        yield ill("clock", "", f"it is long behind; {cure}")
    elif machine.jumped:
        yield ill("clock", "", f"it has jumped by {machine.jumped:+,.0f} s within the last hour; {cure}")
    else:
        yield well("clock", "", "goes steadily")


def _proxy(proxy: ProxyReport) -> Iterator[Ping]:
    if proxy.state == _READY:
        yield well("proxy", "", f"runs generation {proxy.generation}, {proxy.sites} sites")
    else:
        yield ill("proxy", "", proxy.reason or f"{proxy.state}; {_MOMENT}")
    for title, why in {**proxy.quarantined, **proxy.certificates}.items():
        yield ill("site", title, why)
    if proxy.drift:
        files = ", ".join(proxy.drift)
        yield ill("proxy files", "", f"somebody changed {files}; put that into templates of yours")


def _outlooks(lines: Sequence[OutlookLine], now: float) -> list[Ping]:
    """What is the same in several zones, as a server's recursion, is told once."""
    found = [_found(one, now - line.at) for line in lines for one in (*line.dnssec.findings, *line.findings)]
    return list(dict.fromkeys(found))


def _found(one: Finding, age: float) -> Ping:
    """What was found ``age`` seconds ago. Serials have moved on since, and stand beside those of just now."""
    good, known = one.standing is not Standing.ILL, one.standing is not Standing.UNKNOWN
    what = f"{one.what}, {left(age, 0.0)} ago" if one.kind == SERIAL and age >= _LATELY else one.what
    return Ping(one.kind, one.name, good, what, one.cure, known)


def _certificate(line: CertificateLine, now: float) -> Ping:
    kind, look = "certificate", "see `skulldns cert list`"
    if line.not_after is None:
        return ill(kind, line.identity, line.reason or f"there is none yet; {_MOMENT}")
    ends = f"ends in {left(line.not_after, now)}"
    if line.not_after <= now:
        return ill(kind, line.identity, f"has expired; {line.reason or look}")
    if line.alarm:
        return ill(
            kind,
            line.identity,
            f"{ends} and was not renewed: {line.reason}" if line.reason else f"{ends}; {look}",
        )
    return well(kind, line.identity, ends)
