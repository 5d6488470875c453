"""Publishing static records: `plan` and `apply` beside octoDNS, and the memory and pace of a large zone.

octoDNS synchronizes the same records (`octodns-sync` with `octodns_bind.Rfc2136Provider`) into a zone of its own
at the same `named`, in the same run.
"""

import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter

from benchmarks.programs import Cost, environment, measured, program
from benchmarks.rows import Row
from skulldns.lab import Lab
from skulldns.lab.waiting import until
from tests.integration.dnsview import both

_SMALL, _LARGE = 10_000, 100_000
_RUNS = 2
_PATIENCE = 300.0
_OURS, _THEIRS = "ours.test", "theirs.test"
_ONCE, _RUNNING, _SAVED = "once.test", "running.test", "saved.test"
_MEMORY = "400 at most"
_ZONE = """\
$TTL 60
@ IN SOA ns1.{zone}. hostmaster.{zone}. 1 2 1 604800 5
@ IN NS ns1.vmsrv.test.
@ IN NS ns2.vmsrv.test.
"""
_PRIMARY = """
zone "{zone}" {{ type primary; file "{zone}.zone"; update-policy {{ grant "skulldns" zonesub ANY; }}; }};
"""
_SECONDARY = """
zone "{zone}" {{ type secondary; file "{zone}.zone"; primaries {{ 127.0.0.1 port {port} key "skulldns"; }}; }};
"""
_CONFIG = """\
state: state
keys: {{skulldns: {{algorithm: hmac-sha256, secret_file: {lab.tsig.secret_file}}}}}
zones:
  {zone}:
    file: {zone}.yaml
    ttl: 60
    primary: {{address: 127.0.0.1, port: {lab.ns1.port}, key: skulldns}}
    secondaries: [{{address: 127.0.0.1, port: {lab.ns2.port}, key: skulldns}}]
"""
_OCTODNS = """\
providers:
  files: {{class: octodns.provider.yaml.YamlProvider, directory: {directory}, default_ttl: 60}}
  ns1:
    class: octodns_bind.Rfc2136Provider
    host: 127.0.0.1
    port: {lab.ns1.port}
    key_name: skulldns
    key_secret: {lab.tsig.secret}
    key_algorithm: hmac-sha256
zones:
  {zone}.: {{sources: [files], targets: [ns1]}}
"""


def run() -> list[Row]:
    """Measure in one lab; every zone is published into once."""
    with Lab.up(daemon=False) as lab, tempfile.TemporaryDirectory() as name:
        return [*_beside_octodns(lab, Path(name)), *_large(lab, Path(name))]


def records(number: int) -> str:
    """So many addresses, in octoDNS's order."""
    return "".join(
        f"host{index:06d}: {{type: A, value: 10.{index >> 16}.{index >> 8 & 255}.{index & 255}}}\n"
        for index in range(number)
    )


def _beside_octodns(lab: Lab, directory: Path) -> list[Row]:
    ours = _installation(lab, directory, _OURS, _SMALL)
    _add_zone(lab, _THEIRS)
    (directory / "octodns.yaml").write_text(_OCTODNS.format(lab=lab.info, zone=_THEIRS, directory=directory))
    apex = "'': {type: NS, values: [ns1.vmsrv.test., ns2.vmsrv.test.]}\n"
    (directory / f"{_THEIRS}.yaml").write_text(apex + records(_SMALL))
    theirs = program("octodns-sync", "--config-file", str(directory / "octodns.yaml"), "--force")
    measured([*ours, "plan"])  # once, so that modules are compiled
    applied = measured([*ours, "apply"])
    _expect(lab, _last(_SMALL, _OURS))
    planned = measured([*ours, "plan", "--exit-code"], runs=_RUNS)
    checked = measured([*ours, "check"], runs=_RUNS)
    with _daemon(ours):
        asked = _of_the_daemon(ours)
    saved = _saved(lab, directory)
    sync = measured([*theirs, "--doit"])
    plan = measured(theirs, runs=_RUNS)
    title, fifth = f"{_SMALL:,} records", f"{plan.seconds / 5:.3g} at most"
    of_processor = "of a processor"  # which does not hang on what else the machine does
    fifth_of_it = f"{plan.processor / 5:.3g} at most"
    return [
        Row(f"{title}: check", checked.seconds, "s", "1 at most"),
        Row(f"{title}: first apply, both serve them", applied.seconds, "s", "2 at most"),
        Row(f"{title}: saved, a running daemon has both serve them", saved, "s", "2 at most"),
        Row(f"{title}: first octodns-sync, ns1 serves them", sync.seconds, "s"),
        Row(f"{title}: plan, unchanged", planned.seconds, "s", fifth),
        Row(f"{title}: plan, unchanged, of a running daemon", asked.seconds, "s", fifth),
        Row(f"{title}: octodns-sync, unchanged", plan.seconds, "s"),
        Row(f"{title}: first apply, {of_processor}", applied.processor, "s"),
        Row(f"{title}: plan, unchanged, {of_processor}", planned.processor, "s", fifth_of_it),
        Row(f"{title}: plan, of a running daemon, {of_processor}", asked.processor, "s", fifth_of_it),
        Row(f"{title}: octodns-sync, unchanged, {of_processor}", plan.processor, "s"),
        Row(f"{title}: memory of plan", planned.megabytes, "MB"),
        Row(f"{title}: memory of octodns-sync", plan.megabytes, "MB"),
    ]


def _saved(lab: Lab, directory: Path) -> float:
    """Seconds from a file with all the records being saved until both servers answer, while a daemon runs."""
    ours = _installation(lab, directory, _SAVED, 1)
    with _daemon(ours):
        _expect_calm(ours)
        begun = perf_counter()
        _save(directory / _SAVED / f"{_SAVED}.yaml", records(_SMALL))
        _expect(lab, _last(_SMALL, _SAVED))
        return perf_counter() - begun


def _of_the_daemon(ours: list[str]) -> Cost:
    """An unchanged `plan` once a daemon has looked at everything."""
    _expect_calm(ours)
    return measured([*ours, "plan", "--exit-code"], runs=_RUNS)


def _expect_calm(ours: list[str]) -> None:
    """Wait until a daemon has nothing left to do."""
    ask = [*ours, "plan", "--exit-code"]
    until(
        lambda: subprocess.run(ask, check=False, capture_output=True).returncode == 0,
        "a daemon with nothing to do",
        patience=_PATIENCE,
    )


def _large(lab: Lab, directory: Path) -> list[Row]:
    """What each command takes for a large zone, and a daemon that publishes it and then one changed record."""
    title = f"{_LARGE:,} records"
    once = _installation(lab, directory, _ONCE, _LARGE)
    rows = []
    for verb in ("check", "plan", "apply"):
        cost = measured([*once, verb])
        rows.append(Row(f"{title}: {verb}", cost.seconds, "s"))
        rows.append(Row(f"{title}: memory of {verb}", cost.megabytes, "MB", _MEMORY))
    _expect(lab, _last(_LARGE, _ONCE))
    running = _installation(lab, directory, _RUNNING, _LARGE)
    begun = perf_counter()
    with _daemon(running) as daemon:
        _expect(lab, _last(_LARGE, _RUNNING))
        rows.append(Row(f"{title}: daemon started to served by both", perf_counter() - begun, "s"))
        _expect_calm(running)
        begun = perf_counter()
        _save(directory / _RUNNING / f"{_RUNNING}.yaml", records(_LARGE).replace("host000007:", "changed:"))
        _expect(lab, f"changed.{_RUNNING}")
        milliseconds = (perf_counter() - begun) * 1000
        rows.append(Row(f"{title}: one of them saved to served by both", milliseconds, "ms"))
        rows.append(Row(f"{title}: memory of the daemon", _peak(daemon), "MB", _MEMORY))
    return rows


def _installation(lab: Lab, directory: Path, zone: str, number: int) -> list[str]:
    """A zone at both servers, and a config of its own with so many records for it; returns how to call us."""
    _add_zone(lab, zone)
    home = directory / zone
    home.mkdir()
    config = home / "skulldns.yaml"
    config.write_text(_CONFIG.format(lab=lab.info, zone=zone))
    (home / f"{zone}.yaml").write_text(records(number))
    return program("skulldns", "--config", str(config))


@contextmanager
def _daemon(ours: list[str]) -> Iterator[int]:
    """A running daemon, by its process identity."""
    quiet = subprocess.DEVNULL
    daemon = subprocess.Popen([*ours, "run"], stdout=quiet, stderr=quiet, env=environment())
    try:
        yield daemon.pid
    finally:
        daemon.terminate()
        daemon.wait()


def _last(number: int, zone: str) -> str:
    return f"host{number - 1:06d}.{zone}"


def _save(file: Path, text: str) -> None:
    """Replace a file at once, as editors and git do."""
    new = file.with_suffix(".new")
    new.write_text(text)
    new.replace(file)


def _expect(lab: Lab, name: str) -> None:
    until(lambda: all(both(lab, name)), f"{name} on both servers", patience=_PATIENCE)


def _peak(process: int) -> float:
    """The most memory it ever had (VmHWM, proc(5)), in megabytes."""
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024


def _add_zone(lab: Lab, zone: str) -> None:
    """Have both name servers serve one zone more."""
    for server, statement in ((lab.info.ns1, _PRIMARY), (lab.info.ns2, _SECONDARY)):
        home = server.rndc_conf.parent
        (home / f"{zone}.zone").write_text(_ZONE.format(zone=zone))
        with (home / "named.conf").open("a") as config:
            config.write(statement.format(zone=zone, port=lab.info.ns1.port))
        subprocess.run(["rndc", "-c", str(server.rndc_conf), "reconfig"], check=True)
    until(lambda: all(both(lab, zone, "SOA")), f"{zone} on both servers")
