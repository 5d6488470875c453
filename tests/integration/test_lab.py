"""The lab itself: what it starts, that it can be faulted, and that nothing of it stays."""

import contextlib
import json
import os
import signal
import socket
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import dns.message
import dns.name
import dns.query
import dns.rcode
import dns.rdatatype
import dns.tsig
import dns.tsigkeyring
import dns.update
import dns.zone
import psutil
import pytest
from click.testing import CliRunner

from skulldns.cli.lab import lab as lab_command
from skulldns.errors import ConfigError, Unavailable
from skulldns.lab import Lab, Server, Tsig
from skulldns.lab import ports as lab_ports
from skulldns.lab.waiting import until
from tests.support import require

pytestmark = pytest.mark.usefixtures("lab_programs")

_SERVERS = ("libvirtd", "ns1", "ns2")


def _key(tsig: Tsig) -> dns.tsig.Key:
    return dns.tsig.Key(tsig.name, tsig.secret, tsig.algorithm)


def _texts(server: Server, name: str, kind: str) -> list[str]:
    query = dns.message.make_query(name, kind)
    answer = dns.query.udp(query, server.address, timeout=2, port=server.port)
    return [rdata.to_text() for rrset in answer.answer for rdata in rrset]


def _update(lab: Lab, name: str, address: str, key: dns.tsig.Key) -> dns.rcode.Rcode:
    info = lab.info
    update = dns.update.UpdateMessage(info.zone, keyring=key)
    update.add(name, 60, "A", address)
    return dns.query.tcp(update, info.ns1.address, timeout=2, port=info.ns1.port).rcode()


def _axfr(server: Server, zone: str, tsig: Tsig) -> dns.zone.Zone:
    target = dns.zone.Zone(zone)
    query = dns.message.make_query(zone, "AXFR")
    query.use_tsig(_key(tsig))
    dns.query.inbound_xfr(server.address, target, query, port=server.port, timeout=2)
    return target


def _pids(lab: Lab) -> list[int]:
    return [pid for pid in lab.info.pid.values() if pid]


def _gone(pid: int) -> bool:
    """No such process, or one that only waits to be reaped."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def _run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(arguments, capture_output=True, text=True, check=False, timeout=30)


@contextlib.contextmanager
def _starter(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], Path]]:
    """Another process that brings a lab up, says where, and waits."""
    script = (
        "import sys, pathlib; from skulldns.lab import Lab\n"
        "where = pathlib.Path(sys.argv[1]) if sys.argv[1:] else None\n"
        "lab = Lab.up(where, daemon=False); print(lab.info.directory, flush=True); lab.wait()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, *arguments], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        try:
            yield process, Path(process.stdout.readline().strip())
        finally:
            process.kill()


class TestServers:
    """One lab, looked at."""

    def test_lab_json_says_what_the_design_says(self, servers: Lab) -> None:
        info = servers.info
        raw = json.loads((info.directory / "lab.json").read_text())
        assert raw["zone"] == "vmsrv.test"
        assert raw["reverse"] == ["7.127.in-addr.arpa"]
        assert raw["config"] == str(info.directory / "skulldns.yaml")
        assert raw["tsig"]["name"] == "skulldns"
        assert raw["libvirt_network"] == "lab"
        on_demand = {"pebble", "nginx", "webservers", "daemon", "page"}
        assert set(raw["pid"]) == {"ns1", "ns2", "libvirtd", "supervisor"} | on_demand
        assert {raw["pid"][part] for part in on_demand} == {None}
        assert set(raw["proxy"]) == {"address", "http_port", "https_port"}
        assert set(raw["web"]) == {"url", "address", "port", "login", "password_file"}

    def test_secrets_are_for_their_owner_only(self, servers: Lab) -> None:
        for tsig in (servers.info.tsig, servers.info.hand_tsig):
            assert stat.S_IMODE(tsig.secret_file.stat().st_mode) == 0o600
        assert servers.info.tsig.secret != servers.info.hand_tsig.secret

    @pytest.mark.parametrize("zone", ["vmsrv.test", "7.127.in-addr.arpa"])
    @pytest.mark.parametrize("name", ["ns1", "ns2"])
    def test_both_servers_answer_and_transfer_both_zones(self, servers: Lab, name: str, zone: str) -> None:
        server: Server = getattr(servers.info, name)
        assert _texts(server, zone, "SOA")[0].startswith("ns1.vmsrv.test. ")
        assert sorted(_texts(server, zone, "NS")) == ["ns1.vmsrv.test.", "ns2.vmsrv.test."]
        assert _axfr(server, zone, servers.info.tsig).get_rdataset("@", "SOA")

    def test_a_transfer_needs_the_key(self, servers: Lab) -> None:
        ns1 = servers.info.ns1
        with pytest.raises(dns.xfr.TransferError, match="REFUSED"):
            dns.query.inbound_xfr(ns1.address, dns.zone.Zone(servers.info.zone), port=ns1.port, timeout=2)

    @pytest.mark.parametrize("which", ["tsig", "hand_tsig"])
    def test_an_update_reaches_ns2(self, servers: Lab, which: str) -> None:
        name = f"update-{which.replace('_', '-')}"
        key = _key(getattr(servers.info, which))
        assert _update(servers, name, "127.7.1.1", key) == dns.rcode.NOERROR
        until(lambda: _texts(servers.info.ns2, f"{name}.vmsrv.test", "A") == ["127.7.1.1"], "following ns1")

    def test_a_wrong_key_changes_nothing(self, servers: Lab) -> None:
        wrong = dns.tsig.Key("skulldns", "d3Jvbmcgd3Jvbmcgd3Jvbmcgd3Jvbmc=", "hmac-sha256")
        with pytest.raises(dns.tsig.PeerBadSignature):
            _update(servers, "wrong-key", "127.7.1.2", wrong)
        assert _texts(servers.info.ns1, "wrong-key.vmsrv.test", "A") == []

    def test_rndc_freezes_the_zone(self, servers: Lab) -> None:
        control = (require("rndc", package="bind9"), "-c", str(servers.info.ns1.rndc_conf))
        assert _run(*control, "freeze", "vmsrv.test").returncode == 0
        try:
            rcode = _update(servers, "frozen", "127.7.1.3", _key(servers.info.tsig))
        finally:
            assert _run(*control, "thaw", "vmsrv.test").returncode == 0
        assert rcode == dns.rcode.REFUSED

    def test_the_hypervisor_is_empty_but_for_the_network(self, servers: Lab) -> None:
        with contextlib.closing(servers.libvirt()) as connection:
            assert [domain.name() for domain in connection.listAllDomains()] == []
            assert [network.name() for network in connection.listAllNetworks()] == ["lab"]

    def test_a_guest_gets_a_loopback_address(self, servers: Lab) -> None:
        guest = servers.guest("hello")
        seen = []
        for step in (guest.create, guest.stop, guest.start, guest.destroy):
            step()
            seen.append([address.rpartition(".")[0] for address in guest.addresses])
        assert seen == [["127.7.0"], [], ["127.7.0"], []]
        assert servers.guests() == ()

    def test_a_guest_that_exists_or_does_not_is_told(self, servers: Lab) -> None:
        servers.guest("twin").create()
        with pytest.raises(ConfigError, match="already exists"):
            servers.guest("twin").create()
        servers.guest("twin").destroy()
        with pytest.raises(ConfigError, match="not found"):
            servers.guest("twin").destroy()


class TestFaults:
    """Stop, start and kill one part at a time."""

    @pytest.mark.parametrize("part", _SERVERS)
    def test_a_part_stops_and_starts_where_it_was(self, servers: Lab, part: str) -> None:
        before = servers.info
        servers.stop(part)
        assert servers.info.pid[part] is None
        assert _gone(before.pid[part] or 0)
        servers.start(part)
        after = servers.info
        assert after.pid[part] not in {None, before.pid[part]}
        assert (after.ns1, after.ns2, after.libvirt_uri) == (before.ns1, before.ns2, before.libvirt_uri)

    @pytest.mark.parametrize("part", _SERVERS)
    def test_a_killed_part_stays_dead_until_asked(self, servers: Lab, part: str) -> None:
        servers.kill(part)
        assert servers.info.pid[part] is None
        with pytest.raises(ConfigError, match="not running"):
            servers.kill(part)
        servers.start(part)
        assert servers.info.pid[part]

    def test_the_zone_survives_a_killed_primary(self, servers: Lab) -> None:
        assert _update(servers, "kept", "127.7.1.4", _key(servers.info.tsig)) == dns.rcode.NOERROR
        servers.kill("ns1")
        servers.start("ns1")
        assert _texts(servers.info.ns1, "kept.vmsrv.test", "A") == ["127.7.1.4"]

    def test_ns2_follows_after_either_server_was_away(self, servers: Lab) -> None:
        servers.stop("ns2")
        assert _update(servers, "missed", "127.7.1.5", _key(servers.info.tsig)) == dns.rcode.NOERROR
        servers.start("ns2")
        until(lambda: _texts(servers.info.ns2, "missed.vmsrv.test", "A") == ["127.7.1.5"], "following ns1")
        servers.stop("ns1")
        servers.start("ns1")
        assert _update(servers, "again", "127.7.1.6", _key(servers.info.tsig)) == dns.rcode.NOERROR
        until(lambda: _texts(servers.info.ns2, "again.vmsrv.test", "A") == ["127.7.1.6"], "following ns1")

    def test_a_restarted_hypervisor_has_its_network_and_no_guests(self, servers: Lab) -> None:
        servers.guest("lost").create()
        servers.stop("libvirtd")
        with pytest.raises(Unavailable, match="libvirtd"):
            servers.guests()
        servers.start("libvirtd")
        assert servers.guests() == ()
        servers.guest("found").create()
        assert servers.guest("found").addresses
        servers.guest("found").destroy()

    def test_an_unknown_part_is_told(self, servers: Lab) -> None:
        with pytest.raises(
            ConfigError, match="its parts are libvirtd, ns1, ns2, pebble, webservers, nginx, daemon"
        ):
            servers.stop("ns3")


class TestNothingStays:
    """However it ends."""

    def test_two_labs_side_by_side(self, tmp_path: Path) -> None:
        with Lab.up(tmp_path / "a", daemon=False) as one, Lab.up(tmp_path / "b", daemon=False) as other:
            one.guest("only-here").create()
            assert other.guests() == ()
            assert _update(one, "x", "127.7.1.1", _key(one.info.tsig)) == dns.rcode.NOERROR
            assert _texts(other.info.ns1, "x.vmsrv.test", "A") == []
            with pytest.raises(dns.tsig.PeerBadSignature):
                _update(other, "x", "127.7.1.1", _key(one.info.tsig))

    def test_after_down(self, tmp_path: Path) -> None:
        lab = Lab.up(tmp_path / "lab", daemon=False)
        pids = _pids(lab)
        lab.down()
        assert all(map(_gone, pids))
        assert not (tmp_path / "lab" / "lab.json").exists()
        lab.down(remove=True)
        assert list(tmp_path.iterdir()) == []

    def test_down_leaves_what_is_not_the_labs(self, tmp_path: Path) -> None:
        lab = Lab.up(tmp_path, daemon=False)
        (tmp_path / "notes").write_text("mine")
        lab.down(remove=True)
        assert [path.name for path in tmp_path.iterdir()] == ["notes"]

    def test_after_the_supervisor_was_killed(self) -> None:
        with Lab.up(daemon=False) as lab:
            directory, pids = lab.info.directory, _pids(lab)
            lab.kill("supervisor")
            until(lambda: all(map(_gone, pids)), "ending the servers")
        assert not directory.exists()

    def test_after_the_starter_was_killed(self) -> None:
        with _starter() as (starter, directory):
            pids = _pids(Lab.at(directory))
            starter.kill()
            until(lambda: all(map(_gone, pids)), "ending the servers")
            until(lambda: not directory.exists(), "removing the directory")

    def test_after_the_starter_was_killed_in_mid_start(self, tmp_path: Path) -> None:
        home = tmp_path / "lab"
        script = "import sys, pathlib; from skulldns.lab import Lab; Lab.up(pathlib.Path(sys.argv[1]))"
        with subprocess.Popen([sys.executable, "-c", script, str(home)]) as starter:
            until((home / "ns1").exists, "beginning")
            starter.kill()
        until(lambda: not Lab(home).is_alive() and not (home / "run").exists(), "giving up")
        assert not (home / "lab.json").exists()

    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
    def test_after_a_signal_to_the_supervisor(self, tmp_path: Path, number: signal.Signals) -> None:
        lab = Lab.up(tmp_path, daemon=False, detach=True)
        pids = _pids(lab)
        os.kill(lab.info.pid["supervisor"] or 0, number)
        until(lambda: all(map(_gone, pids)), "ending the servers")
        assert not (tmp_path / "lab.json").exists()

    def test_after_parts_that_do_not_listen(self, tmp_path: Path) -> None:
        lab = Lab.up(tmp_path, daemon=False)
        pids = _pids(lab)
        for part in ("libvirtd", "ns2"):
            os.kill(lab.info.pid[part] or 0, signal.SIGSTOP)
        lab.down()
        assert all(map(_gone, pids))

    def test_up_on_a_dead_lab_begins_anew(self, tmp_path: Path) -> None:
        first = Lab.up(tmp_path, daemon=False, detach=True)
        assert _update(first, "old", "127.7.1.1", _key(first.info.tsig)) == dns.rcode.NOERROR
        first.kill("supervisor")
        with pytest.raises(ConfigError, match="dead"):
            Lab.at(tmp_path)
        with Lab.up(tmp_path, daemon=False) as anew:
            assert _texts(anew.info.ns1, "old.vmsrv.test", "A") == []

    def test_up_on_a_living_lab_says_so(self, tmp_path: Path) -> None:
        with Lab.up(tmp_path, daemon=False) as lab:
            before = lab.info
            with pytest.raises(ConfigError, match="a lab is running here"):
                Lab.up(tmp_path, daemon=False)
            assert lab.info == before
            assert lab.is_alive()

    def test_up_leaves_a_directory_alone_that_no_lab_wrote(self, tmp_path: Path) -> None:
        (tmp_path / "zones").mkdir()
        (tmp_path / "zones" / "mine.yaml").write_text("{}")
        with pytest.raises(ConfigError, match="no lab wrote it"):
            Lab.up(tmp_path, daemon=False)
        assert [path.name for path in tmp_path.rglob("*")] == ["zones", "mine.yaml"]

    @pytest.mark.parametrize("name", ["n" * 200, 'a "quoted" name', "größe"])
    def test_any_directory_will_do(self, tmp_path: Path, name: str) -> None:
        with Lab.up(tmp_path / name, daemon=False) as lab:
            run = (tmp_path / name / "run").resolve()
            lab.stop("ns2")
            lab.start("ns2")
            lab.guest("hello").create()
            assert _texts(lab.info.ns2, "vmsrv.test", "NS")
        assert run.parent == Path(tempfile.gettempdir())
        assert not run.exists()

    def test_up_says_why_the_daemon_did_not_start(self, tmp_path: Path) -> None:
        with Lab.up(tmp_path, daemon=False) as lab:
            (tmp_path / "skulldns.yaml").write_text("not: [a config")
            with pytest.raises(Unavailable, match="daemon ended instead of starting"):
                lab.start("daemon")

    @pytest.mark.skipif(os.geteuid() != 0, reason="only root can put its lab into somebody else's directory")
    def test_root_may_use_a_private_directory_of_somebody_else(self) -> None:
        with tempfile.TemporaryDirectory() as home:
            os.chown(home, 65534, 65534)
            with Lab.up(Path(home) / "lab", daemon=False) as lab:
                assert _update(lab, "x", "127.7.1.1", _key(lab.info.tsig)) == dns.rcode.NOERROR
                lab.guest("hello").create()
            lab.down(remove=True)
            assert list(Path(home).iterdir()) == []


class TestPorts:
    """Ports are chosen so that nobody else has them."""

    @pytest.mark.parametrize("kind", [socket.SOCK_STREAM, socket.SOCK_DGRAM])
    def test_a_port_taken_at_the_last_moment_is_noticed(
        self, tmp_path: Path, kind: socket.SocketKind
    ) -> None:
        with Lab.up(tmp_path, daemon=False) as lab:
            lab.stop("ns2")
            with socket.socket(socket.AF_INET, kind) as stranger:
                stranger.bind(("127.0.0.1", lab.info.ns2.port))
                with pytest.raises(Unavailable, match="another program uses the port of ns2"):
                    lab.start("ns2")
            lab.start("ns2")
            assert lab.info.pid["ns2"]

    def test_blocks_do_not_overlap(self) -> None:
        blocks = [lab_ports.PortBlock.find() for _ in range(50)]
        drawn = [block.next() for block in blocks for _ in range(15)]
        for block in blocks:
            block.close()
        assert len(set(drawn)) == 50 * 15

    @pytest.mark.parametrize("kind", [socket.SOCK_STREAM, socket.SOCK_DGRAM])
    def test_a_block_with_a_used_port_is_not_chosen(
        self, kind: socket.SocketKind, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        free = lab_ports.PortBlock.find()
        port = free.next()
        free.close()
        monkeypatch.setattr(lab_ports, "_BLOCKS", range(port - 1, port, 16))
        with socket.socket(socket.AF_INET, kind) as stranger:
            stranger.bind(("127.0.0.1", port))
            with pytest.raises(OSError, match="no 16 neighbouring ports"):
                lab_ports.PortBlock.find()
        lab_ports.PortBlock.find().close()


class TestCommands:
    """The command line over the same lab."""

    def test_a_detached_lab_from_up_to_down(self, tmp_path: Path) -> None:
        home = ("--dir", str(tmp_path / "lab"))

        def run(*arguments: str) -> str:
            result = CliRunner().invoke(lab_command, [*arguments, *home], catch_exceptions=False)
            assert result.exit_code == 0, result.output
            return result.output

        up = run("up", "--detach", "--no-daemon")
        lab = Lab.at(tmp_path / "lab")
        try:
            assert f"port {lab.info.ns1.port}" in up
            run("guest", "create", "hello")
            assert "hello  running  127.7." in run("guest", "list")
            run("guest", "stop", "hello")
            assert "hello  stopped" in run("guest", "list")
            run("guest", "start", "hello")
            run("guest", "destroy", "hello")
            run("stop", "ns1")
            assert json.loads(run("status", "--json"))["pid"]["ns1"] is None
            run("start", "ns1")
            stopped = [line.split()[0] for line in run("status").splitlines() if " stopped " in line]
            assert stopped == ["pebble", "webservers", "nginx", "daemon", "page"]
        finally:
            run("down", "--remove")
        assert list(tmp_path.iterdir()) == []

    def test_in_the_foreground_it_ends_with_ctrl_c(self, tmp_path: Path) -> None:
        script = "from skulldns.cli.lab import lab; lab()"
        arguments = ("up", "--no-daemon", "--dir", str(tmp_path))
        with subprocess.Popen(
            [sys.executable, "-c", script, *arguments], stdout=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout
            assert any(line.startswith("Ctrl-C") for line in process.stdout)
            pids = _pids(Lab.at(tmp_path))
            process.send_signal(signal.SIGINT)
            assert process.wait(30) == 0
        assert all(map(_gone, pids))

    def test_a_virsh_of_another_process_sees_the_guests(self, servers: Lab) -> None:
        virsh = require("virsh", package="libvirt-clients")
        servers.guest("seen").create()
        try:
            assert "seen" in _run(virsh, "-c", servers.info.libvirt_uri, "list", "--name").stdout.split()
        finally:
            servers.guest("seen").destroy()
