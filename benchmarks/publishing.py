"""Publishing static records: `plan` and `apply` beside octoDNS, and the daemon with a large zone.

octoDNS synchronizes the same records (`octodns-sync` with `octodns_bind.Rfc2136Provider`) into a zone of its own
at the same `named`, in the same run.
"""

import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from time import perf_counter

import psutil

from benchmarks.programs import Cost, measured, program
from benchmarks.rows import Row
from skulldns.lab import Lab
from skulldns.lab.waiting import until
from tests.integration.dnsview import both

_SMALL, _LARGE = 10_000, 100_000
_RUNS = 3
_SINGLE = 5
_PATIENCE = 900.0
_OURS, _THEIRS = "ours.test", "theirs.test"
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
    """Measure, each time in a lab of its own."""
    return [*_beside_octodns(), *_large()]


def records(number: int) -> str:
    """So many addresses, in octoDNS's order."""
    return "".join(
        f"host{index:06d}: {{type: A, value: 10.{index >> 16}.{index >> 8 & 255}.{index & 255}}}\n"
        for index in range(number)
    )


def _beside_octodns() -> list[Row]:
    with Lab.up(daemon=False) as lab, tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        for zone in (_OURS, _THEIRS):
            _add_zone(lab, zone)
        (directory / "skulldns.yaml").write_text(_CONFIG.format(lab=lab.info, zone=_OURS))
        (directory / "octodns.yaml").write_text(
            _OCTODNS.format(lab=lab.info, zone=_THEIRS, directory=directory)
        )
        (directory / f"{_OURS}.yaml").write_text(records(_SMALL))
        apex = "'': {type: NS, values: [ns1.vmsrv.test., ns2.vmsrv.test.]}\n"
        (directory / f"{_THEIRS}.yaml").write_text(apex + records(_SMALL))
        ours = ("skulldns", "--config", str(directory / "skulldns.yaml"))
        theirs = ("octodns-sync", "--config-file", str(directory / "octodns.yaml"), "--force")
        title = f"{_SMALL:,} records"
        measured(program(*ours, "plan", "--exit-code"), codes=(0, 3))  # once, so that modules are compiled
        sync = measured(program(*theirs, "--doit"))
        plan = measured(program(*theirs), runs=_RUNS)
        applied = measured(program(*ours, "apply"))
        _expect(lab, f"host{_SMALL - 1:06d}.{_OURS}")
        planned = measured(program(*ours, "plan", "--exit-code"), runs=_RUNS)
        asked = _of_the_daemon(ours)
        return [
            Row(f"{title}: first skulldns apply, both serve them", applied.seconds, "s", "2 at most"),
            Row(f"{title}: first octodns-sync, ns1 serves them", sync.seconds, "s"),
            Row(
                f"{title}: skulldns plan, unchanged", planned.seconds, "s", f"{plan.seconds / 5:.3g} at most"
            ),
            Row(
                f"{title}: skulldns plan, unchanged, of a running daemon",
                asked.seconds,
                "s",
                f"{plan.seconds / 5:.3g} at most",
            ),
            Row(f"{title}: octodns-sync, unchanged", plan.seconds, "s"),
            Row(f"{title}: skulldns plan", planned.megabytes, "MB"),
            Row(f"{title}: octodns-sync", plan.megabytes, "MB"),
        ]


def _of_the_daemon(ours: Sequence[str]) -> Cost:
    """An unchanged `plan` while a daemon has looked at everything."""
    daemon = subprocess.Popen(program(*ours, "run"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        ask = program(*ours, "plan", "--exit-code")
        until(
            lambda: subprocess.run(ask, check=False, capture_output=True).returncode == 0,
            "a daemon",
            patience=_PATIENCE,
        )
        return measured(ask, runs=_RUNS)
    finally:
        daemon.terminate()
        daemon.wait()


def _large() -> list[Row]:
    """The daemon takes a large zone in while it runs, and then a guest starts and one record is changed."""
    with Lab.up() as lab:
        zone, file = lab.info.zone, lab.info.directory / "zones" / f"{lab.info.zone}.yaml"
        daemon = psutil.Process(lab.info.pid["daemon"])
        rows = []
        for number in (_SMALL, _LARGE):
            begun = perf_counter()
            _save(file, records(number))
            _expect(lab, f"host{number - 1:06d}.{zone}")
            title = f"{number:,} records"
            most = "2 at most" if number == _SMALL else ""
            rows.append(Row(f"{title}: saved to served by both", perf_counter() - begun, "s", most))
            rows.append(Row(f"{title}: memory of the daemon", _peak(daemon), "MB", "400 at most"))
        title = f"{_LARGE:,} records"
        seconds = [_guest(lab, f"new{number}") for number in range(_SINGLE)]
        rows.append(Row(f"{title}: a guest starts, both serve it", median(seconds) * 1000, "ms"))
        begun = perf_counter()
        _save(file, records(_LARGE).replace("host000007:", "changed:"))
        _expect(lab, f"changed.{zone}")
        rows.append(Row(f"{title}: one of them saved to served by both", perf_counter() - begun, "s"))
        rows.append(Row(f"{title}: memory of the daemon in the end", _peak(daemon), "MB", "400 at most"))
    return rows


def _guest(lab: Lab, name: str) -> float:
    guest = lab.guest(name)
    begun = perf_counter()
    guest.create()
    _expect(lab, f"{name}.{lab.info.zone}")
    return perf_counter() - begun


def _save(file: Path, text: str) -> None:
    """Replace a file at once, as editors and git do."""
    new = file.with_suffix(".new")
    new.write_text(text)
    new.replace(file)


def _expect(lab: Lab, name: str) -> None:
    until(lambda: all(both(lab, name)), f"{name} on both servers", patience=_PATIENCE)


def _peak(process: psutil.Process) -> float:
    """The most memory it ever had (VmHWM, proc(5)), in megabytes."""
    lines = Path(f"/proc/{process.pid}/status").read_text().splitlines()
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
