"""Incus fails: the source says so in a sentence, loses nothing, asks little, and heals by itself."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from skulldns.errors import Unavailable
from skulldns.model.guests import Guest, GuestId, GuestState, SourceName
from skulldns.sources.incus import IncusSource, Limits, LocalSocket
from tests.contract.incus_api import IncusApi
from tests.contract.source_stages import Hints

_LIMITS = Limits(connect=5.0, look=10.0, ping=(0.1, 1.0))
_SHORT = Limits(connect=0.3, look=0.3, ping=(0.1, 0.3))


@pytest.fixture
def api() -> Iterator[IncusApi]:
    with TemporaryDirectory() as directory:  # pytest's own is too long for a socket's path
        api = IncusApi(Path(directory) / "unix.socket")
        api.start()
        try:
            yield api
        finally:
            api.kill()


@pytest.fixture
def source(api: IncusApi) -> Iterator[IncusSource]:
    with closing(_source(api)) as source:
        yield source


@pytest.fixture
def hints(source: IncusSource) -> Hints:
    """What the source says from now on; it is connected."""
    hints = Hints(lambda guest: frozenset({guest}))
    source.watch(hints)
    source.guests()
    hints.until_everything()
    return hints


def _source(api: IncusApi, limits: Limits = _LIMITS) -> IncusSource:
    return IncusSource(LocalSocket(api.socket), name=SourceName("incus"), limits=limits, jitter=lambda: 1.0)


def _once_back(source: IncusSource) -> Sequence[Guest]:
    for _ in range(100):
        try:
            return source.guests()
        except Unavailable as error:
            threading.Event().wait(error.retry_after or 0.05)
    pytest.fail("the source did not come back")


def _fill(api: IncusApi, number: int) -> list[GuestId]:
    found = [GuestId(api.define(f"c{index}")) for index in range(number)]
    for guest in found:
        api.set_status(guest, "Running", "instance-started")
    return found


# ------------------------------------------------------------------------------------------- the line of events


def test_a_half_open_line_is_noticed_and_opened_again(
    api: IncusApi, source: IncusSource, hints: Hints, caplog: pytest.LogCaptureFixture
) -> None:
    api.hush()
    hints.until_everything()
    assert "incus: events are lost: the daemon does not answer" in caplog.text
    missed = GuestId(api.define("missed"))
    api.talk()
    assert [guest.id for guest in _once_back(source)] == [missed]
    hints.until_everything()
    api.set_status(missed, "Running", "instance-started")
    hints.until_guest(missed)


def test_a_daemon_that_is_killed_and_started_again_is_heard_again(
    api: IncusApi, source: IncusSource, hints: Hints
) -> None:
    guest = GuestId(api.define("web"))
    source.guests()
    api.kill()
    hints.until_everything()
    with pytest.raises(Unavailable, match="start the daemon"):
        source.guests()
    api.start()
    assert [one.id for one in _once_back(source)] == [guest]
    hints.until_everything()
    api.set_status(guest, "Running", "instance-started")
    hints.until_guest(guest)


def test_attempts_to_connect_are_spaced(api: IncusApi) -> None:
    api.kill()
    now = 0.0
    source = IncusSource(
        LocalSocket(api.socket), name=SourceName("incus"), clock=lambda: now, jitter=lambda: 0.0
    )
    pauses = []
    with closing(source):
        for _ in range(7):
            with pytest.raises(Unavailable, match="nobody answers at the socket") as first:
                source.guests()
            pauses.append(first.value.retry_after)
            api.start()
            with pytest.raises(Unavailable, match="nobody answers at the socket") as too_early:
                source.guests()
            assert too_early.value.retry_after == first.value.retry_after
            api.kill()
            now += first.value.retry_after or 0.0
    assert pauses == [1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0]
    assert api.requests == []


# ------------------------------------------------------------------------------------------------------ answers


@pytest.mark.parametrize(
    ("status", "body", "sentence"),
    [
        (500, b'{"type": "error", "error": "database is locked", "metadata": null}', "database is locked"),
        (503, b"<html>", r"fails \(HTTP status 503\); see the log"),
        (
            403,
            b'{"type": "error", "error": "not authorized", "metadata": null}',
            "not allow this .not authorized",
        ),
        (
            404,
            b'{"type": "error", "error": "Project not found", "metadata": null}',
            "Project not found.*projects",
        ),
        (200, b"<html>", "not Incus or LXD; correct the path"),
        (200, b"[" * 100_000, "not Incus or LXD"),
        (200, b'{"type": "sync", "metadata": {"half": "an answer"}}', "list of instances"),
        (200, b'{"type": "sync", "metadata": [{"status": "Running"}]}', "no name"),
    ],
)
def test_an_answer_that_is_none_says_what_to_do(
    api: IncusApi, source: IncusSource, status: int, body: bytes, sentence: str
) -> None:
    api.define("web")
    source.guests()
    api.status, api.body = status, body
    with pytest.raises(Unavailable, match=sentence) as error:
        source.guests()
    assert error.value.where == "incus"
    assert "\n" not in str(error.value)
    api.status = api.body = None
    assert [guest.name for guest in source.guests()] == ["web"]


@pytest.mark.timeout(20)  # less than the limits of any library
def test_a_daemon_that_hangs_is_given_up(api: IncusApi) -> None:
    with closing(_source(api, _SHORT)) as source:
        source.guests()
        api.hush()
        with pytest.raises(Unavailable, match="does not answer; if it stays so, restart the daemon"):
            source.guests()
        with pytest.raises(Unavailable, match="does not answer; if it stays so, restart the daemon"):
            source.guest(GuestId("incus:default/web"))
        api.talk()
        assert list(_once_back(source)) == []


def test_an_empty_answer_is_empty(api: IncusApi, source: IncusSource) -> None:
    _fill(api, 1)
    assert len(source.guests()) == 1
    api.body = b'{"type": "sync", "metadata": null}'  # how Go writes an empty list
    assert list(source.guests()) == []
    assert source.unreadable() == frozenset()


def test_no_socket_is_said(api: IncusApi, source: IncusSource) -> None:
    api.kill()
    api.socket.unlink()
    with pytest.raises(Unavailable, match=r"there is no socket .*; start the daemon, or correct the path"):
        source.guests()


# -------------------------------------------------------------------------------------------------- many guests


def test_one_broken_instance_of_300_is_unreadable_and_no_other(
    api: IncusApi, source: IncusSource, hints: Hints
) -> None:
    guests = _fill(api, 300)
    broken = guests[117]
    api.set_status(broken, "Error", "instance-updated")
    found = source.guests()
    assert {guest.id for guest in found} == {*guests} - {broken}
    assert all(len(guest.addresses) == 1 for guest in found)
    assert source.unreadable() == {broken}
    api.set_status(broken, "Running", "instance-updated")
    hints.until_guest(broken)
    assert len(source.guests()) == len(guests)


@pytest.mark.parametrize("number", [3, 1000])
def test_a_start_costs_as_many_requests_among_1000_as_among_3(api: IncusApi, number: int) -> None:
    with closing(_source(api)) as source:
        guests = _fill(api, number)
        hints = Hints(lambda guest: frozenset({guest}))
        source.watch(hints)
        assert len(source.guests()) == number
        assert len(api.requests) == 4  # events, instances, networks, leases
        api.requests.clear()
        api.set_status(guests[1], "Running", "instance-restarted")
        heard = hints.until_guest(guests[1])
        assert heard.guest is not None
        found = source.guest(heard.guest)
        assert found is not None
        assert found.state is GuestState.RUNNING
        assert api.requests == [
            "/1.0/instances/c1?recursion=1&project=default",
            "/1.0/networks/lab/leases?project=default",
        ]


def test_a_new_instance_is_heard_by_its_name_and_seen_with_its_uuid(
    api: IncusApi, source: IncusSource, hints: Hints
) -> None:
    guest = GuestId(api.define("new", project="p 1"))
    heard = hints.until(lambda hint: hint.guest is not None)
    assert heard.guest == "incus:p 1/new"
    seen = source.guest(heard.guest)
    assert seen is not None
    assert seen.id == guest
    api.delete(guest)
    assert hints.until_guest(guest).undefined


def test_a_rename_that_nobody_heard_is_found(api: IncusApi, source: IncusSource, hints: Hints) -> None:
    guest = GuestId(api.define("before"))
    source.guests()
    api.rename(guest, "after", tell=False)
    api.define("before")
    hints.until(lambda hint: hint.guest is not None)
    found = source.guest(guest)
    assert found is not None
    assert (found.id, found.name) == (guest, "after")


def test_two_instances_with_one_uuid_are_two_guests_that_do_not_flap(
    api: IncusApi, source: IncusSource
) -> None:
    first = GuestId(api.define("a"))
    second = api.place(api.define("b"))
    api.instances[second]["expanded_config"]["volatile.uuid"] = first
    for _ in range(2):
        assert {guest.id: guest.name for guest in source.guests()} == {first: "a", "incus:default/b": "b"}
        for identity, name in {first: "a", GuestId("incus:default/b"): "b"}.items():
            found = source.guest(identity)
            assert found is not None
            assert (found.id, found.name) == (identity, name)


def test_only_the_named_projects_are_looked_at_and_heard(api: IncusApi) -> None:
    for project in ("one", "two", "three"):
        api.define("web", project=project)
    source = IncusSource(LocalSocket(api.socket), name=SourceName("incus"), projects=["one", "two"])
    with closing(source):
        assert len(source.guests()) == 2
        assert source.guest(GuestId("incus:three/web")) is None
        assert not [request for request in api.requests if "all-projects" in request]
        assert "/1.0/events?type=lifecycle&project=two" in api.requests
