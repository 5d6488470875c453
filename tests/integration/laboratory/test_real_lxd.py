"""A real LXD over HTTPS, with a certificate that may see one project only; and when it stops in the middle."""

import subprocess
from contextlib import closing
from ipaddress import ip_address
from pathlib import Path

import pytest

from skulldns.errors import Unavailable
from skulldns.lab.waiting import until
from skulldns.model.guests import Guest, GuestState, Origin, SourceName
from skulldns.sources.incus import IncusSource, Limits, LocalSocket, Remote
from tests.contract.source_stages import Hints
from tests.laboratory.guest import Wanted
from tests.laboratory.laboratory import Laboratory
from tests.laboratory.lxd import LxdContainer
from tests.support import require

_URL = "https://127.0.0.1:8443"
_PATIENCE = 60.0


@pytest.fixture(scope="module")
def web(laboratory: Laboratory) -> LxdContainer:
    """A running container in the project `default`; beside it is one in another project."""
    lxd = laboratory.lxd
    lxd.client("config", "set", "core.https_address", _URL.removeprefix("https://"))
    lxd.client(
        "project", "create", "other", "--config=features.images=false", "--config=features.profiles=false"
    )
    lxd.client("init", "busybox", "elsewhere", "--project=other")
    return lxd.create(Wanted("web", owner="alice", asks="ns1")).start()


@pytest.fixture(scope="module")
def remote(web: LxdContainer, tmp_path_factory: pytest.TempPathFactory) -> Remote:
    """The way for a client whose certificate is restricted to `default`."""
    lxd = web.hypervisor
    directory = tmp_path_factory.mktemp("client")
    certificate, key = _certificate(directory, "skulldns")
    lxd.client("config", "trust", "add", str(certificate), "--restricted", "--projects=default")
    return Remote(_URL, certificate, key, lxd.home / "server.crt")


@pytest.fixture
def hints() -> Hints:
    return Hints(lambda guest: frozenset({guest}))


def _certificate(directory: Path, name: str) -> tuple[Path, Path]:
    certificate, key = directory / f"{name}.crt", directory / f"{name}.key"
    openssl = require("openssl", package="openssl")
    curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", f"/CN={name}"]
    subprocess.run(
        [openssl, "req", "-x509", *curve, "-keyout", key, "-out", certificate],
        check=True,
        capture_output=True,
    )
    return certificate, key


def _source(
    endpoint: Remote | LocalSocket, *, projects: tuple[str, ...] = (), answer: float = 8.0
) -> IncusSource:
    limits = Limits(connect=answer, look=answer, ping=(0.2, answer))
    name = SourceName("lxd")
    return IncusSource(endpoint, name=name, projects=projects, limits=limits, jitter=lambda: 1.0)


def test_a_restricted_client_sees_its_project_only(
    laboratory: Laboratory, web: LxdContainer, remote: Remote
) -> None:
    until(lambda: web.lease() is not None, "the lease", patience=_PATIENCE)
    with laboratory.network(), closing(_source(remote)) as source:
        [guest] = source.guests()
        assert source.guest(guest.id) == guest
    assert (guest.name, guest.state, guest.options.owner) == ("web", GuestState.RUNNING, "alice")
    assert [(str(address.ip), address.origin) for address in guest.addresses] == [(web.lease(), Origin.LEASE)]
    # LXD hides the configuration of its networks from such a client; the leases have the gateway too.
    assert guest.forbidden == {ip_address("203.0.113.1")}


def test_a_restricted_client_hears_of_its_project(
    laboratory: Laboratory, web: LxdContainer, remote: Remote, hints: Hints
) -> None:
    with laboratory.network(), closing(_source(remote, projects=("default",))) as source:
        source.watch(hints)
        [guest] = source.guests()
        web.hypervisor.client("config", "set", "web", "user.skulldns.port", "8080")
        hints.until_guest(guest.id)
        changed = source.guest(guest.id)
    assert changed is not None
    assert changed.options.port == 8080


def test_a_project_that_is_not_allowed_is_said(laboratory: Laboratory, remote: Remote) -> None:
    source = _source(remote, projects=("other",))
    with laboratory.network(), closing(source), pytest.raises(Unavailable, match=r"not allow.*projects"):
        source.guests()


def test_an_untrusted_client_is_told_what_to_do(
    laboratory: Laboratory, remote: Remote, tmp_path: Path
) -> None:
    stranger = Remote(_URL, *_certificate(tmp_path, "stranger"), remote.server_certificate)
    source = _source(stranger)
    told = pytest.raises(Unavailable, match=r"does not allow this .*trust the client's certificate")
    with laboratory.network(), closing(source), told:
        source.guests()


@pytest.mark.parametrize("pinned", [True, False], ids=["another", "none"])
def test_another_server_is_not_believed(
    laboratory: Laboratory, remote: Remote, tmp_path: Path, *, pinned: bool
) -> None:
    other = _certificate(tmp_path, "other")[0] if pinned else None
    source = _source(Remote(_URL, remote.certificate, remote.key, other))
    told = pytest.raises(Unavailable, match="certificate is not the expected one")
    with laboratory.network(), closing(source), told:
        source.guests()


def test_the_host_s_neighbour_table_is_not_believed_unasked(
    web: LxdContainer, laboratory: Laboratory
) -> None:
    web.run("ip", "address", "add", "203.0.113.250/24", "dev", "eth0")
    with laboratory.network(), closing(_source(LocalSocket(web.hypervisor.socket))) as source:
        found = _only(source, "web")
    assert ip_address("203.0.113.250") in {address.ip for address in found.heard}
    assert ip_address("203.0.113.250") not in {address.ip for address in found.addresses}


def test_a_lease_wakes_for_its_guest(web: LxdContainer, laboratory: Laboratory, hints: Hints) -> None:
    until(lambda: web.lease() is not None, "the lease", patience=_PATIENCE)
    with laboratory.network(), closing(_source(LocalSocket(web.hypervisor.socket))) as source:
        new = web.hypervisor.create(Wanted("new"))
        source.watch(hints)
        identity = next(guest.id for guest in source.guests() if guest.name == "new")
        source.watch_leases()
        new.start()
        hints.until_guest(identity)  # its start
        leased = _until_leased(source, hints, new)
    assert [str(address.ip) for address in leased.addresses] == [new.lease()]
    new.destroy()


def test_a_stopped_daemon_is_noticed_and_found_again(web: LxdContainer, hints: Hints) -> None:
    lxd = web.hypervisor
    with closing(_source(LocalSocket(lxd.socket), answer=1.0)) as source:
        source.watch(hints)
        before = {guest.id for guest in source.guests()}
        hints.until_everything()
        lxd.server.process.suspend()
        try:
            hints.until_everything()
            with pytest.raises(Unavailable, match="does not answer; if it stays so, restart the daemon"):
                source.guests()
        finally:
            lxd.server.process.resume()
            # nsenter stops itself when its child is stopped.
            parent = lxd.server.process.parent()
            assert parent is not None
            parent.resume()
        until(lambda: _seen(source) == before, "the daemon's return", patience=_PATIENCE)
        hints.until_everything()


def _only(source: IncusSource, name: str) -> Guest:
    [found] = [guest for guest in source.guests() if guest.name == name]
    return found


def _until_leased(source: IncusSource, hints: Hints, container: LxdContainer) -> Guest:
    """Look only when something was heard of it."""
    while True:
        guest = _only(source, container.name)
        if guest.addresses:
            return guest
        hints.until_guest(guest.id)


def _seen(source: IncusSource) -> set[str] | None:
    try:
        return {guest.id for guest in source.guests()}
    except Unavailable:
        return None
