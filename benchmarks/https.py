"""A guest on the web: from `virsh start` to its own page over HTTPS, verified.

The guests are defined before and the wildcard certificate is there. `SKULLDNS_RENEWALS=600` adds so many seconds of
certificates that are valid for a minute, with a visitor who never rests.
"""

import json
import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from statistics import median
from time import monotonic, perf_counter

from benchmarks.guests import virsh_start
from benchmarks.rows import Row
from skulldns.lab import Lab
from skulldns.lab.parts import HTTPS
from skulldns.lab.waiting import until
from tests.integration.hypervisor import define
from tests.integration.visitor import Visitor

_GUESTS = 20
_PATIENCE = 60.0
_LIFETIME = 60


def run() -> list[Row]:
    """Measure in a lab of its own."""
    rows = _starts()
    if seconds := int(os.environ.get("SKULLDNS_RENEWALS", "0")):
        rows += _renewals(seconds)
    return rows


def _starts() -> list[Row]:
    seconds = []
    with Lab.up(extra=HTTPS) as lab, closing(lab.libvirt()) as connection:
        visitor = Visitor(lab)
        domains = [define(connection, f"site{number}") for number in range(_GUESTS)]
        for domain in domains:
            _until_seen(visitor, domain.name(), status=503)
        for domain in domains:
            _until_idle()
            virsh_start(lab, domain)
            begun = perf_counter()
            _until_seen(visitor, domain.name(), text=f"<title>{domain.name()}</title>")
            seconds.append(perf_counter() - begun)
    title = "virsh start to a verified page"
    return [
        Row(f"{title}, median of {_GUESTS}", median(seconds) * 1000, "ms", "500 at most"),
        Row(f"{title}, worst of {_GUESTS}", max(seconds) * 1000, "ms"),
    ]


def _until_seen(visitor: Visitor, name: str, *, status: int = 200, text: str = "") -> None:
    until(
        lambda: visitor.sees(name, status=status, text=text), f"{status} {text} at {name}", patience=_PATIENCE
    )


def _until_idle() -> None:
    """Let the second pass in which a reload would be shared."""
    end = monotonic() + 1.2
    until(lambda: monotonic() > end, "a second of rest")


def _renewals(seconds: int) -> list[Row]:
    with _short_lived() as visitor:
        serials: set[str] = set()
        asked, failed, end = 0, 0, monotonic() + seconds
        while monotonic() < end:
            asked += 1
            failed += not visitor.sees("steady", text="<title>steady</title>")
            serials.add(visitor.serial("steady"))
        return [
            Row(f"certificates of {_LIFETIME} s, {seconds} s long: requests", asked, "requests"),
            Row("of these without the page or a valid certificate", failed, "requests", "0"),
            Row("certificates", len(serials), "certificates", f"{seconds // _LIFETIME} at least"),
        ]


@contextmanager
def _short_lived() -> Iterator[Visitor]:
    """A lab whose CA issues for a minute, with one guest that is served."""
    with Lab.up(daemon=False, extra=HTTPS) as lab:
        config = lab.info.directory / "ca" / "pebble.json"
        content = json.loads(config.read_text())
        content["pebble"]["certificateValidityPeriod"] = _LIFETIME
        config.write_text(json.dumps(content))
        lab.stop("pebble")
        lab.start("pebble")
        lab.start("daemon")
        visitor = Visitor(lab)
        lab.guest("steady").create()
        _until_seen(visitor, "steady", text="<title>steady</title>")
        yield visitor
