"""The libvirt source against a real libvirtd: what it costs, what it hears, and what it survives."""

import gc
import json
import logging
import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import libvirt
import pytest

from skulldns.errors import Unavailable
from skulldns.lab import Lab
from skulldns.lab.waiting import until
from skulldns.model.guests import Address, Guest, GuestState, Origin, SourceName
from skulldns.sources.libvirt import LibvirtSource, Limits
from tests.contract.source_stages import Hints, LibvirtStage, domain_xml, identity_of
from tests.support import require

_MAC = "52:54:00:00:00:01"
_QUICK = Limits(connect=1.0, keepalive=(1, 1))


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    require("libvirtd", package="libvirt-daemon")
    require("named", package="bind9")
    with Lab.up(daemon=False) as lab:
        yield lab


@pytest.fixture
def stage(lab: Lab) -> Iterator[LibvirtStage]:
    stage = LibvirtStage(lab)
    stage.clear()
    yield stage
    stage.leave()


@pytest.fixture
def hints() -> Hints:
    return Hints(lambda guest: frozenset({guest}))


@pytest.fixture
def source(stage: LibvirtStage, hints: Hints) -> Iterator[LibvirtSource]:
    source = stage.source()
    source.watch(hints)
    source.guests()
    hints.until_everything()
    yield source
    source.close()


class _Counting:
    """A libvirt object whose methods are counted by name, as are those of the objects that it returns."""

    def __init__(self, inner: object, calls: Counter[str]) -> None:
        self._inner = inner
        self._calls = calls

    def __getattr__(self, name: str) -> Callable[..., object]:
        method = getattr(self._inner, name)

        def call(*arguments: object) -> object:
            self._calls[name] += 1
            return self._wrap(method(*arguments))

        return call

    def _wrap(self, answer: object) -> object:
        if isinstance(answer, libvirt.virDomain | libvirt.virNetwork):
            return _Counting(answer, self._calls)
        if isinstance(answer, list):
            return [self._wrap(element) for element in answer]
        return answer


# These read what the handle or the connection holds on this side; all others are requests.
_NO_REQUEST = {"UUIDString", "name", "isAlive"}


@pytest.mark.parametrize("others", [0, 30])
def test_a_look_at_one_guest_costs_the_same_among_many(stage: LibvirtStage, others: int) -> None:
    calls: Counter[str] = Counter()
    source = LibvirtSource(
        stage.uri,
        neighbours=dict,
        connect=lambda: _Counting(libvirt.openReadOnly(stage.uri), calls),
        jitter=lambda: 1.0,
    )
    identity = stage.define("web")
    stage.start(identity)
    for number in range(others):
        stage.start(stage.define(f"g{number}"))
    source.guests()
    calls.clear()
    guest = source.guest(identity)
    source.close()
    assert guest is not None
    assert guest.addresses
    requests = {
        name: count for name, count in calls.items() if name not in _NO_REQUEST and "egister" not in name
    }
    # The definition of the guest and of its network, the state, and the leases.
    assert requests == {
        "lookupByUUIDString": 1,
        "XMLDesc": 2,
        "state": 1,
        "interfaceAddresses": 1,
        "close": 1,
    }


def test_a_guest_that_vanishes_during_a_look_is_absent(stage: LibvirtStage) -> None:
    identities = [stage.define(f"g{number}") for number in range(3)]

    class Vanishing(_Counting):
        def listAllDomains(self, flags: int = 0) -> Sequence[object]:  # noqa: N802  libvirt's name
            found: list[Any] = self._inner.listAllDomains(flags)  # type: ignore[attr-defined]
            if not flags:
                stage.undefine(identities[1])
            return found

    source = LibvirtSource(stage.uri, connect=lambda: Vanishing(libvirt.openReadOnly(stage.uri), Counter()))
    assert {guest.id for guest in source.guests()} == {identities[0], identities[2]}
    assert source.unreadable() == frozenset()
    source.close()


def test_a_daemon_that_dies_during_a_look_makes_no_guest_unreadable_or_absent(stage: LibvirtStage) -> None:
    for number in range(3):
        stage.define(f"g{number}")

    class Dying(_Counting):
        def listAllDomains(self, flags: int = 0) -> Sequence[object]:  # noqa: N802  libvirt's name
            found: list[Any] = self._inner.listAllDomains(flags)  # type: ignore[attr-defined]
            if not flags:
                stage.break_down()
            return found

    source = LibvirtSource(stage.uri, connect=lambda: Dying(libvirt.openReadOnly(stage.uri), Counter()))
    with pytest.raises(Unavailable):
        source.guests()
    assert source.unreadable() == frozenset()
    source.close()


def test_a_transient_guest_is_a_guest(stage: LibvirtStage, source: LibvirtSource, hints: Hints) -> None:
    identity = identity_of(stage.connection.createXML(domain_xml("brief")))
    hints.until_guest(identity)
    guest = source.guest(identity)
    assert guest is not None
    assert guest.state is GuestState.RUNNING
    stage.stop(identity)
    hints.until_guest(identity)
    assert source.guest(identity) is None


def test_a_paused_guest_runs(stage: LibvirtStage, source: LibvirtSource) -> None:
    identity = stage.define("web")
    stage.start(identity)
    stage.domain(identity).suspend()
    guest = source.guest(identity)
    assert guest is not None
    assert guest.state is GuestState.RUNNING
    assert guest.addresses


def test_a_reservation_counts_for_a_stopped_guest_and_gateways_are_forbidden(
    stage: LibvirtStage, source: LibvirtSource
) -> None:
    identity = identity_of(stage.connection.defineXML(domain_xml("web", mac=_MAC)))
    with _reservation(stage, _MAC, "127.7.9.9"):
        guest = source.guest(identity)
        assert guest is not None
        assert guest.addresses == (Address(ip_address("127.7.9.9"), Origin.STATIC),)
        assert guest.forbidden == {ip_address("127.7.0.1")}
        assert list(source.guests()) == [guest]


@contextmanager
def _reservation(stage: LibvirtStage, mac: str, ip: str) -> Iterator[None]:
    def update(command: int) -> None:
        network = stage.connection.networkLookupByName(stage.lab.info.libvirt_network)
        section = libvirt.VIR_NETWORK_SECTION_IP_DHCP_HOST
        network.update(command, section, -1, f"<host mac='{mac}' ip='{ip}'/>")

    update(libvirt.VIR_NETWORK_UPDATE_COMMAND_ADD_LAST)
    try:
        yield
    finally:
        update(libvirt.VIR_NETWORK_UPDATE_COMMAND_DELETE)


def test_a_new_network_wakes_and_its_gateway_is_forbidden(
    stage: LibvirtStage, source: LibvirtSource, hints: Hints
) -> None:
    identity = stage.define("web")
    xml = "<network><name>other</name><ip address='127.8.0.1' prefix='16'/></network>"
    network = stage.connection.networkDefineXML(xml)
    try:
        hints.until_everything()
        guest = source.guest(identity)
        assert guest is not None
        assert ip_address("127.8.0.1") in guest.forbidden
    finally:
        network.undefine()


def test_a_lease_file_wakes_only_for_the_guest_with_that_mac(
    stage: LibvirtStage, source: LibvirtSource, hints: Hints, tmp_path: Path
) -> None:
    identity = identity_of(stage.connection.defineXML(domain_xml("web", mac=_MAC)))
    other = stage.define("other")
    source.guests()
    hints.until_guest(other)
    source.watch_leases(tmp_path)
    heard = len(hints.heard)
    leases = [
        {"mac-address": mac, "ip-address": "127.7.9.9", "hostname": "other"}
        for mac in ("52:54:00:00:00:99", _MAC)
    ]
    (tmp_path / "virbr0.status").write_text(json.dumps(leases), encoding="utf-8")
    hints.until_guest(identity)
    assert {hint.guest for hint in hints.heard[heard:]} == {identity}
    assert hints.none_left()


def test_lease_files_of_this_host_mean_nothing_for_another(tmp_path: Path) -> None:
    before = threading.active_count()
    LibvirtSource("qemu+tls://192.0.2.1/system").watch_leases(tmp_path)
    assert threading.active_count() == before


def test_a_stopped_daemon_is_given_up_and_found_again(stage: LibvirtStage, hints: Hints) -> None:
    source = LibvirtSource(stage.uri, limits=_QUICK, jitter=lambda: 1.0)
    source.watch(hints)
    identity = stage.define("web")
    source.guests()
    hints.until_everything()
    with _stopped(stage):
        with pytest.raises(Unavailable):
            source.guest(identity)
        hints.until_everything()  # it says that the connection is lost
        for _ in range(3):
            with pytest.raises(Unavailable) as error:
                source.guests()
            threading.Event().wait(error.value.retry_after)
    hints.until_everything()  # the attempt to connect that was under way succeeds by itself
    assert [guest.id for guest in source.guests()] == [identity]
    source.close()


def test_connecting_to_a_stopped_daemon_is_one_attempt_without_end(stage: LibvirtStage, hints: Hints) -> None:
    attempts: Counter[str] = Counter()

    def connect() -> libvirt.virConnect:
        attempts["made"] += 1
        return libvirt.openReadOnly(stage.uri)

    stage.define("web")
    source = LibvirtSource(stage.uri, limits=_QUICK, connect=connect, jitter=lambda: 1.0)
    source.watch(hints)
    with _stopped(stage):
        for _ in range(4):
            with pytest.raises(Unavailable, match="does not answer") as error:
                source.guests()
            threading.Event().wait(error.value.retry_after)
    hints.until_everything()
    assert [guest.name for guest in source.guests()] == ["web"]
    assert attempts["made"] == 1
    source.close()


def test_closing_does_not_wait_for_a_stopped_daemon(stage: LibvirtStage, hints: Hints) -> None:
    source = LibvirtSource(stage.uri, name=SourceName("hanging"), limits=Limits(connect=0.1, close=0.1))
    source.watch(hints)
    with _stopped(stage):
        with pytest.raises(Unavailable):
            source.guests()
        source.close()
        with pytest.raises(Unavailable, match="closed"):
            source.guests()
        [thread] = [thread for thread in threading.enumerate() if thread.name == "hanging"]
    thread.join(20)  # the attempt to connect that was under way succeeds, and is closed again
    assert not thread.is_alive()
    assert hints.none_left()


@contextmanager
def _stopped(stage: LibvirtStage) -> Iterator[None]:
    pid = stage.lab.info.pid["libvirtd"]
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def test_a_missing_socket_is_named_with_its_cure(tmp_path: Path) -> None:
    uri = f"test+unix:///default?socket={tmp_path}/libvirt-sock"
    source = LibvirtSource(uri)
    with pytest.raises(Unavailable) as error:
        source.guests()
    sentence = str(error.value)
    assert sentence.startswith(f"libvirt {uri}: ")
    assert "No such file or directory" in sentence
    assert sentence.endswith("; start libvirt's daemon")
    source.close()


def test_a_socket_that_goes_and_comes_back(stage: LibvirtStage, source: LibvirtSource) -> None:
    socket = Path(stage.uri.partition("socket=")[2])
    aside = socket.with_name("aside")
    stage.define("web")
    socket.rename(aside)
    # An open connection does not need the socket's name.
    assert [guest.name for guest in source.guests()] == ["web"]
    fresh = stage.source()
    try:
        with pytest.raises(Unavailable, match="No such file"):
            fresh.guests()
    finally:
        aside.rename(socket)
    assert [guest.name for guest in _once_back(fresh)] == ["web"]
    fresh.close()


def test_looks_during_the_pause_do_not_connect(tmp_path: Path) -> None:
    attempts: Counter[str] = Counter()
    now = [100.0]

    def connect() -> libvirt.virConnect:
        attempts["made"] += 1
        return libvirt.openReadOnly(f"test+unix:///default?socket={tmp_path}/none")

    source = LibvirtSource("test:///", connect=connect, clock=lambda: now[0], jitter=lambda: 0.0)
    pauses: list[float | None] = []
    for attempt in range(7):
        for _ in range(3):
            with pytest.raises(Unavailable, match="No such file") as error:
                source.guests()
            assert attempts["made"] == attempt + 1
            pauses.append(error.value.retry_after)
        now[0] += pauses[-1] or 0
    assert pauses[::3] == pauses[2::3] == [1, 2, 4, 8, 16, 30, 30]
    source.close()


def test_a_daemon_killed_again_and_again_leaves_nothing_open(
    stage: LibvirtStage, source: LibvirtSource, hints: Hints
) -> None:
    def descriptors() -> int:
        gc.collect()  # libvirt-python closes what is no longer referred to
        return len(os.listdir("/proc/self/fd"))  # noqa: PTH208  a count of names

    def round_trip() -> None:
        stage.break_down()
        with pytest.raises(Unavailable):
            source.guests()
        stage.recover()
        _once_back(source)
        hints.until_guest(stage.define("web"))
        stage.leave()

    stage.leave()
    round_trip()
    before = descriptors()
    for _ in range(6):
        round_trip()
    # Libvirt's event thread closes a little later than asked: one connection may be on its way out at each count,
    # at the first one too, but a leak leaves something in each round.
    until(lambda: descriptors() <= before, f"{before} open files at most, as before")


def test_an_outage_is_logged_once(
    stage: LibvirtStage, source: LibvirtSource, hints: Hints, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="skulldns")
    stage.break_down()
    hints.until_everything()
    for _ in range(3):
        with pytest.raises(Unavailable) as error:
            source.guests()
        threading.Event().wait(error.value.retry_after)
    stage.recover()
    _once_back(source)
    lines = [record.getMessage() for record in caplog.records]
    assert sum("the connection was lost" in line for line in lines) == 1
    assert sum("trying again" in line for line in lines) == 1
    assert sum(line.endswith(": connected") for line in lines) == 1
    assert len(lines) == 3
    assert not [record for record in caplog.records if record.exc_info]


def test_libvirt_prints_nothing(tmp_path: Path) -> None:
    # In a process of its own: whoever used libvirt before may have silenced it too.
    program = f"""
from skulldns.errors import Unavailable
from skulldns.sources.libvirt import LibvirtSource
import logging
logging.disable()
source = LibvirtSource("test+unix:///default?socket={tmp_path}/none")
try:
    source.guests()
except Unavailable:
    print("unavailable")
source.close()
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("unavailable\n", "")


def test_a_burst_of_starts_is_heard_completely(
    stage: LibvirtStage, source: LibvirtSource, hints: Hints
) -> None:
    identities = {stage.define(f"g{number}") for number in range(300)}
    for identity in identities:
        stage.start(identity)
    stage.define("last")
    last = stage.connection.lookupByName("last")
    hints.until_guest(identity_of(last))
    assert identities <= {hint.guest for hint in hints.heard}
    guests = source.guests()
    assert len({address.ip for guest in guests for address in guest.addresses}) == len(identities)


def _once_back(source: LibvirtSource) -> Sequence[Guest]:
    for _ in range(40):
        try:
            return source.guests()
        except Unavailable as error:
            threading.Event().wait(error.retry_after or 0)
    pytest.fail("the source did not come back")
