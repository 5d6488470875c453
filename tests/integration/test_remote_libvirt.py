"""The libvirt source over TCP, TLS and ssh, each against a real libvirtd, and each way of being refused."""

import gc
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from skulldns.errors import Unavailable
from skulldns.lab.ports import PortBlock
from skulldns.lab.waiting import until
from skulldns.model.guests import Guest, GuestState
from skulldns.sources.host.neighbours import Neighbours
from skulldns.sources.libvirt import LibvirtSource, Limits
from tests.contract.source_stages import Hints, domain_xml, identity_of
from tests.integration.libvirtd import Libvirtd, Sshd, make_pki, make_ssh_key
from tests.support import require

_TRANSPORTS = ["tcp", "tls", "ssh", "libssh"]
_SLOW = Limits(connect=30.0, keepalive=(1, 1))


@dataclass(frozen=True, slots=True)
class World:
    """A host with its libvirtd and its sshd, and what a client of it has."""

    libvirtd: Libvirtd
    sshd: Sshd
    ports: dict[str, int]
    directory: Path

    def uri(self, transport: str, **changed: object) -> str:
        """A URI that works, unless something about it is ``changed``."""
        options: dict[str, object] = {}
        if transport == "tls":
            options = {"pkipath": self.directory / "pki"}
        elif transport in {"ssh", "libssh"}:
            options = {"socket": self.libvirtd.socket, "keyfile": self.sshd.client_key, "proxy": "netcat"}
        if transport == "ssh":
            options["command"] = self.ssh(changed.pop("known_hosts", self.sshd.known_hosts))
        elif transport == "libssh":
            options |= {"known_hosts": self.sshd.known_hosts, "sshauth": "privkey"}
        port = changed.pop("port", self.sshd.port if "ssh" in transport else self.ports[transport])
        host = changed.pop("host", "127.0.0.1")
        query = "&".join(f"{key}={value}" for key, value in (options | changed).items())
        user = f"{psutil.Process().username()}@" if "ssh" in transport else ""
        return f"test+{transport}://{user}{host}:{port}/default?{query}"

    def ssh(self, known_hosts: object) -> Path:
        """`ssh` without anything of this user, knowing these hosts."""
        wrapper = self.directory / f"ssh-{Path(str(known_hosts)).name}"
        return wrapper if wrapper.exists() else self.sshd.ssh(wrapper, Path(str(known_hosts)))


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    for program, package in (("ssh", "openssh-client"), ("nc", "netcat-openbsd")):
        require(program, package=package)
    directory = tmp_path_factory.mktemp("remote")
    make_pki(directory / "pki")
    make_pki(directory / "other-pki")
    (directory / "nobody").touch()
    block = PortBlock.find()
    ports = {"tcp": block.next(), "tls": block.next()}
    libvirtd = Libvirtd(tcp=ports["tcp"], tls=ports["tls"], pki=directory / "pki")
    sshd = Sshd(block.next())
    try:
        libvirtd.start()
        sshd.start()
        make_ssh_key(directory / "stranger")
        yield World(libvirtd, sshd, ports, directory)
    finally:
        sshd.close()
        libvirtd.close()
        block.close()


@pytest.fixture
def hints() -> Hints:
    return Hints(lambda guest: frozenset({guest}))


@pytest.fixture(params=_TRANSPORTS)
def source(request: pytest.FixtureRequest, world: World, hints: Hints) -> Iterator[LibvirtSource]:
    source = LibvirtSource(world.uri(request.param), neighbours=_not_there, limits=_SLOW, jitter=lambda: 1.0)
    source.watch(hints)
    source.guests()
    hints.until_everything()
    yield source
    source.close()


def test_guests_and_their_events(world: World, source: LibvirtSource, hints: Hints) -> None:
    domain = world.libvirtd.connection.defineXML(domain_xml("web", owner="alice"))
    identity = identity_of(domain)
    hints.until_guest(identity)
    domain.create()
    hints.until_guest(identity)
    guest = source.guest(identity)
    assert guest is not None
    assert (guest.name, guest.state, guest.options.owner) == ("web", GuestState.RUNNING, "alice")
    assert len(guest.addresses) == 1
    assert list(source.guests()) == [guest]
    domain.destroy()
    domain.undefine()
    assert hints.until(lambda hint: hint.undefined).guest == identity
    assert list(source.guests()) == []


def test_a_daemon_that_was_killed_is_found_again(world: World, source: LibvirtSource, hints: Hints) -> None:
    world.libvirtd.connection.defineXML(domain_xml("old"))
    world.libvirtd.kill()
    hints.until_everything()
    with pytest.raises(Unavailable) as error:
        source.guests()
    assert error.value.cure
    world.libvirtd.start()
    assert list(_once_back(source)) == []
    hints.until_everything()
    domain = world.libvirtd.connection.defineXML(domain_xml("new"))
    hints.until_guest(identity_of(domain))
    domain.undefine()


_Refusal = tuple[Callable[[World], str], str, str]

_REFUSALS: dict[str, _Refusal] = {
    "nobody listens": (
        lambda world: world.uri("tcp", port=1),
        "Connection refused",
        "start libvirt's daemon",
    ),
    "another CA": (
        lambda world: world.uri("tls", pkipath=world.directory / "other-pki"),
        "verify peer's certificate",
        "both sides' certificates",
    ),
    "another name": (
        lambda world: world.uri("tls", host="localhost"),
        "verify peer's certificate",
        "for this host's name",
    ),
    "no certificates": (lambda world: world.uri("tls", pkipath="/none"), "CA certificate", "pkipath="),
    "another key": (
        lambda world: world.uri("ssh", keyfile=world.directory / "stranger"),
        "Permission denied",
        "keyfile=",
    ),
    "an unknown host": (
        lambda world: world.uri("ssh", known_hosts=world.directory / "nobody"),
        "Host key verification failed",
        "known_hosts",
    ),
    "no sshd": (lambda world: world.uri("ssh", port=1), "Connection refused", "sshd runs"),
    "no socket there": (lambda world: world.uri("ssh", socket="/none"), "No such file", "on that host"),
    "another key for the library": (
        lambda world: world.uri("libssh", keyfile=world.directory / "stranger"),
        "failed to authenticate",
        "keyfile=",
    ),
    "an unknown host for the library": (
        lambda world: world.uri("libssh", known_hosts=world.directory / "nobody"),
        "host key",
        "known_hosts",
    ),
}


@pytest.mark.parametrize("case", _REFUSALS)
def test_a_refusal_is_a_sentence_with_its_cure(world: World, case: str) -> None:
    uri, what, cure = _REFUSALS[case]
    source = LibvirtSource(uri(world), limits=_SLOW)
    with pytest.raises(Unavailable) as error:
        source.guests()
    source.close()
    assert what in error.value.what
    assert cure in (error.value.cure or "")
    assert "\n" not in str(error.value)


def test_a_client_whose_certificate_is_of_another_ca_is_told(world: World) -> None:
    mixed = world.directory / "mixed-pki"
    shutil.copytree(world.directory / "other-pki", mixed)
    with (mixed / "cacert.pem").open("ab") as trusted:
        trusted.write((world.directory / "pki" / "cacert.pem").read_bytes())
    source = LibvirtSource(world.uri("tls", pkipath=mixed), limits=_SLOW)
    with pytest.raises(Unavailable) as error:
        source.guests()
    source.close()
    assert "certificates" in (error.value.cure or "")


def test_ssh_leaves_no_process_behind(world: World) -> None:
    def children() -> list[str]:
        gc.collect()  # libvirt-python closes what is no longer referred to
        return [child.name() for child in psutil.Process().children() if child.name() == "ssh"]

    for changed in ({}, {"keyfile": world.directory / "stranger"}, {"socket": "/none"}):
        source = LibvirtSource(world.uri("ssh", **changed), limits=_SLOW)
        if changed:
            with pytest.raises(Unavailable):
                source.guests()
        else:
            source.guests()
            assert children() == ["ssh"]
        source.close()
        until(lambda: not children(), "the end of ssh", patience=30)


@pytest.mark.parametrize("changed", [{"keyfile": "stranger"}, {"known_hosts": "nobody"}])
def test_ssh_asks_nobody_for_anything(world: World, changed: dict[str, str]) -> None:
    """On a terminal of its own, where `ssh` could ask for a password, or whether to go on."""
    uri = world.uri("ssh", **{option: world.directory / name for option, name in changed.items()})
    program = world.directory / "look.py"
    program.write_text(
        f"""
import logging
from skulldns.errors import Unavailable
from skulldns.sources.host.neighbours import Neighbours
from skulldns.sources.libvirt import LibvirtSource
logging.disable()
source = LibvirtSource({uri!r})
try:
    source.guests()
except Unavailable:
    print("unavailable")
""",
        encoding="utf-8",
    )
    script = require("script", package="bsdutils")
    done = subprocess.run(
        [script, "--quiet", "--command", f"{sys.executable} {program}", "/dev/null"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
        cwd=Path(__file__).parents[2],
        env={"PYTHONPATH": str(Path(__file__).parents[2]), "PATH": "/usr/bin:/bin:/usr/sbin"},
    )
    assert done.stdout.split() == ["unavailable"]


def _not_there() -> Neighbours:
    raise AssertionError("this host's neighbours mean nothing for guests of another one")


def _once_back(source: LibvirtSource) -> Sequence[Guest]:
    for _ in range(40):
        try:
            return source.guests()
        except Unavailable as error:
            threading.Event().wait(error.retry_after or 0)
    pytest.fail("the source did not come back")
