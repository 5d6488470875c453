"""Rules for every test: which sockets it may open, and in which process it runs.

Tests in `unit` and `scenarios` open no socket at all, not even a Unix one: what they test decides and
compares, and a room that needs a server to be tested is in the wrong place. All other tests talk to real
servers, on loopback only.
"""

import ipaddress
import sys
from collections.abc import Generator
from pathlib import Path

import hypothesis
import pytest
import pytest_socket

from tests.support import on_ci

_TESTS = Path(__file__).parent
_WITHOUT_SOCKETS = {"unit", "scenarios"}
_FAILED = pytest.StashKey[bool]()

# Time limits belong to pytest-timeout; on CI the same examples are tried at each run.
hypothesis.settings.register_profile("house", deadline=None, derandomize=on_ci())
hypothesis.settings.load_profile("house")


class _LoopbackGuard:
    """An audit hook that refuses every address outside loopback while it is active.

    pytest-socket guards `connect` only; a NOTIFY leaves by `sendto`, and a server listens by `bind`. Audit
    hooks see all of them, and cannot be removed again: hence the switch.
    """

    _WITH_ADDRESS = frozenset({"socket.bind", "socket.connect", "socket.sendmsg", "socket.sendto"})

    def __init__(self) -> None:
        self.active = False

    def __call__(self, event: str, arguments: tuple[object, ...]) -> None:
        if not self.active:
            return
        if event in self._WITH_ADDRESS:
            address = arguments[1]
            # Unix sockets have a path and netlink numbers; None is the peer of a connected socket.
            if isinstance(address, tuple) and isinstance(address[0], str):
                self._check(address[0])
        elif event == "socket.getaddrinfo" and isinstance(arguments[0], str):
            self._check(arguments[0])

    @staticmethod
    def _check(host: str) -> None:
        if host != "localhost" and not _is_loopback(host):
            message = f"a test may use loopback only, not {host!r}"
            raise RuntimeError(message)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


_guard = _LoopbackGuard()
sys.addaudithook(_guard)


def _room(item: pytest.Item) -> str:
    """Return the directory below `tests` that the item stands in."""
    return item.path.relative_to(_TESTS).parts[0]


def pytest_itemcollected(item: pytest.Item) -> None:
    """Give a test with real servers a second try: on a machine that others use too they can be late once.

    The summary names each one that needed it (-rR), so that it is looked at; failing twice is a failure. It has
    servers of its own then: what it asks of those that its file shares would be there already.
    """
    if _room(item) not in _WITHOUT_SOCKETS:
        item.add_marker(pytest.mark.flaky(reruns=1))
    else:
        # What another test's first try left open is found when its traceback is forgotten: by chance in this test.
        item.add_marker(pytest.mark.flaky(reruns=1, only_rerun=["PytestUnraisableExceptionWarning"]))


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Set the socket rule before the fixtures run; pytest-socket lifts its own after the test."""
    forbidden = _room(item) in _WITHOUT_SOCKETS
    _guard.active = not forbidden
    if forbidden:
        pytest_socket.disable_socket(allow_unix_socket=False)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Note a failure, for the end of the test."""
    report = yield
    item.stash[_FAILED] = report.failed or (call.when != "setup" and item.stash[_FAILED])
    return report


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item) -> None:
    """End all fixtures with a test that failed, also those that others share: whatever comes next begins anew."""
    if item.stash[_FAILED]:
        item.session._setupstate.teardown_exact(None)  # pytest has no public way
