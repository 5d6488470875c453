"""`plan` and `apply` without a daemon: a change that came in between, and a merge request's files."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

from skulldns.lab import Lab
from tests.integration.dnsview import ask, nsupdate

_CONFIG = """\
state: state
keys: {{skulldns: {{algorithm: hmac-sha256, secret_file: {lab.tsig.secret_file}}}}}
zones:
  {lab.zone}:
    file: zone.yaml
    primary: {{address: {lab.ns1.address}, port: {lab.ns1.port}, key: skulldns}}
    secondaries: [{{address: {lab.ns2.address}, port: {lab.ns2.port}, key: skulldns}}]
"""


class Admin:
    """An admin's directory with a config and one zone file."""

    def __init__(self, lab: Lab, directory: Path, zone_file: str) -> None:
        directory.mkdir()
        self.directory = directory
        self.config = directory / "skulldns.yaml"
        self.config.write_text(_CONFIG.format(lab=lab.info))
        self.save(zone_file)

    def save(self, zone_file: str) -> None:
        (self.directory / "zone.yaml").write_text(zone_file)

    def says(self, *words: str) -> subprocess.CompletedProcess[str]:
        command = (sys.executable, "-m", "skulldns", "--config", str(self.config), *words)
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)


def test_apply_with_a_checksum_does_nothing_once_the_world_has_moved(servers: Lab, tmp_path: Path) -> None:
    name = f"race.{servers.info.zone}"
    admin = Admin(servers, tmp_path / "admin", "race: {type: A, value: 192.0.2.1}\n")
    assert admin.says("apply").returncode == 0
    admin.save("race: {type: A, value: 192.0.2.2}\n")
    checksum = json.loads(admin.says("plan", "--json").stdout)["checksum"]
    nsupdate(
        servers,
        servers.info.hand_tsig,
        servers.info.zone,
        [f"update delete {name}. A", f"update add {name}. 60 A 192.0.2.3"],
    )
    refused = admin.says("apply", "--checksum", checksum)
    assert refused.returncode == 1
    assert f"not {checksum}" in refused.stderr
    assert ask(servers.info.ns1, name) == ("192.0.2.3",)
    nsupdate(
        servers,
        servers.info.hand_tsig,
        servers.info.zone,
        [f"update delete {name}. A", f"update add {name}. 60 A 192.0.2.1"],
    )
    assert admin.says("apply", "--checksum", checksum).returncode == 0
    assert ask(servers.info.ns1, name) == ("192.0.2.2",)


def test_a_merge_request_is_compared_with_the_servers_and_leaves_no_trace(
    servers: Lab, tmp_path: Path
) -> None:
    before = "".join(f"merge{number}: {{type: A, value: 192.0.2.{number}}}\n" for number in range(1, 5))
    main = Admin(servers, tmp_path / "main", before)
    assert main.says("apply").returncode == 0
    shutil.rmtree(tmp_path / "main" / "state")
    after = before.replace("merge1: {type: A, value: 192.0.2.1}\n", "").replace("192.0.2.2}", "192.0.2.20}")
    branch = Admin(servers, tmp_path / "branch", f"{after}merge5: {{type: TXT, value: new|one}}\n")
    base = ("plan", "--base", str(main.config))

    said = branch.says(*base, "--markdown", "--exit-code")
    assert said.returncode == 3, said.stderr
    rows = {line.split(" | ")[1]: line for line in said.stdout.splitlines() if line.startswith("| ")}
    assert rows[f"`merge1.{servers.info.zone}`"].startswith("| delete |")
    assert "~~`192.0.2.2`~~<br>`192.0.2.20`" in rows[f"`merge2.{servers.info.zone}`"]
    assert "new\\|one" in rows[f"`merge5.{servers.info.zone}`"]
    assert not [name for name in rows if "merge3" in name or "ns1" in name]
    assert ask(servers.info.ns1, f"merge2.{servers.info.zone}") == ("192.0.2.2",)
    assert not (branch.directory / "state").exists()

    branch.save("merge1: {type: A, value: 192.0.2.1}\n")
    assert branch.says(*base, "--exit-code").returncode == 4
    branch.save("merge1: {type: A, value: 192.0.2}\n")
    broken = branch.says(*base)
    assert broken.returncode == 2
    assert "zone.yaml:1:" in broken.stderr
