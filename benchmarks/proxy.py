"""The web proxy: a real nginx with ten thousand guests, with many sites of their own, and under load while it reloads.

`python -m benchmarks.proxy` with the word `long` makes 1,000 reloads, every third with a broken site, under 50 requests
a second.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from ipaddress import ip_address
from pathlib import Path
from statistics import median
from time import perf_counter

from benchmarks.rows import Row
from skulldns.model.sites import Page, Site, SiteOptions, Upstream
from skulldns.targets.nginx import template_loader
from skulldns.targets.vhost.rendering import Renderer
from tests.contract.proxy_stages import NginxStage
from tests.open_connections import NUMBER, reload_under
from tests.realnginx import ZONE, RealNginx, Visitors, guest, name, own, page, web_server

_GUESTS = 10_000
_SITES = 1_000
_RELOADS = 1_000
_REPEATS = 9


def run() -> list[Row]:
    """Measure, each time with an nginx of its own."""
    return [*_common(), *_own(), *_open_connections()]


def _seconds(call: Callable[[], object]) -> float:
    begun = perf_counter()
    call()
    return perf_counter() - begun


def _common() -> list[Row]:
    first = int(ip_address("198.18.0.0"))
    sites = [
        Site((name(f"guest{number}.{ZONE}"),), ZONE, upstream=Upstream(ip_address(first + number)))
        for number in range(_GUESTS)
    ]
    with RealNginx() as nginx:
        certificates = nginx.wildcard()
        renderer = Renderer(nginx.settings, template_loader())
        rendering = median(_seconds(lambda: renderer.render(sites, certificates)) for _ in range(3))
        target = nginx.target()
        target.roll_out(sites, certificates)
        nginx.settled()
        test = median(_seconds(lambda: _run(nginx.commands.test)) for _ in range(_REPEATS))
        reload = median(_seconds(lambda: _reload(nginx)) for _ in range(_REPEATS))
        changes = []
        for number in range(_REPEATS):
            sites[number] = page(f"guest{number}", Page.STOPPED)
            changes.append(_seconds(lambda: target.roll_out(sites, certificates)))
    title = f"{_GUESTS:,} guests"
    return [
        Row(f"{title}: rendering all files", rendering * 1000, "ms"),
        Row(f"{title}: nginx -t", test * 1000, "ms", "100 at most"),
        Row(f"{title}: reload, until new workers answer", reload * 1000, "ms", "200 at most"),
        Row(f"{title}: one guest stops, until its page is shown", median(changes) * 1000, "ms"),
    ]


def _run(command: Sequence[str]) -> None:
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def _reload(nginx: RealNginx) -> None:
    """Return once a worker answers that was not there before."""
    before = set(nginx.workers())
    _run(nginx.commands.reload)
    while not set(nginx.workers()) - before:
        pass
    nginx.target().running_generation()


def _own() -> list[Row]:
    sites = [own(f"s{number}.test", 80, SiteOptions(hsts=60), certificate=ZONE) for number in range(_SITES)]
    with RealNginx() as nginx:
        target = nginx.target()
        first = _seconds(lambda: target.roll_out(sites, nginx.wildcard()))
        test = median(_seconds(lambda: _run(nginx.commands.test)) for _ in range(3))
        changes = []
        for number in range(3):
            sites[number] = own(f"s{number}.test", 81, SiteOptions(hsts=60), certificate=ZONE)
            changes.append(_seconds(lambda: target.roll_out(sites, nginx.wildcard())))
    title = f"{_SITES:,} sites of their own"
    return [
        Row(f"{title}: first roll-out", first, "s"),
        Row(f"{title}: nginx -t", test * 1000, "ms", "540 with a certificate each"),
        Row(f"{title}: one changes, until nginx runs it", median(changes) * 1000, "ms"),
    ]


def _open_connections() -> list[Row]:
    """Reload while each of many connections has a request on its way or is a WebSocket, and use them afterwards."""
    with RealNginx(connections=2 * NUMBER) as nginx:
        survived = reload_under(nginx, NUMBER)
    half = f"{NUMBER // 2:,}"
    return [
        Row(f"reload with {NUMBER:,} open connections", survived.seconds * 1000, "ms"),
        Row("of these with a request on its way, answered after it", survived.requests, "", half),
        Row("of these WebSockets, used after it", survived.websockets, "", half),
    ]


# ---------------------------------------------------------------------------------------- a long run


def many_reloads(reloads: int = _RELOADS) -> list[Row]:
    """Reload again and again, every third time with a broken site, while visitors ask for another one."""
    with (
        web_server("wiki") as port,
        tempfile.TemporaryDirectory() as directory,
        RealNginx(Path(directory)) as nginx,
        Visitors(nginx, f"wiki.{ZONE}") as visitors,
    ):
        NginxStage.prepare(Path(directory))
        target = nginx.target()
        quarantined = 0
        begun = perf_counter()
        for number in range(reloads):
            broken = ["bad.test"] if number % 10 in {0, 3, 6} else []
            (Path(directory) / "spoilt.j2").write_text(f"{{% set titles = {json.dumps(broken)} %}}")
            bad = own("bad.test", port, SiteOptions(hsts=number), certificate=ZONE)
            rollout = target.roll_out([guest("wiki", port), guest(f"g{number}", port), bad], nginx.wildcard())
            quarantined += len(rollout.quarantined)
            if number == 0:
                visitors.begin()
        seconds = perf_counter() - begun
        generation = target.running_generation() or 0
    return [
        Row("reloads", generation, "", f"{reloads:,}"),
        Row("of these with a broken site", quarantined, "", f"{3 * reloads // 10:,}"),
        Row("seconds a roll-out", seconds / reloads, "s"),
        Row("requests meanwhile", visitors.answered, "requests"),
        Row("requests that failed", len(visitors.failed), "requests", "0"),
    ]


if __name__ == "__main__":
    for row in many_reloads() if "long" in sys.argv else run():
        print(f"{row.what:60} {row.text:>10} {row.unit:10} {row.compare}")
