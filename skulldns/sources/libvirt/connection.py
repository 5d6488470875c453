"""One connection to libvirt: open it, keep it alive, and hear its events."""

import contextlib
from collections.abc import Callable
from typing import Protocol

import libvirt

from skulldns.model.guests import GuestId
from skulldns.sources.libvirt.reader import identity

Connect = Callable[[], libvirt.virConnect]
"""Open a connection, or raise ``libvirt.libvirtError``."""

_FIRST_PAUSE = 1.0
_LONGEST_PAUSE = 30.0

# Remote drivers carry all of these; a driver that lacks one refuses the registration. The names are looked up
# because older libraries do not have all of them.
_DOMAIN_EVENTS = ("METADATA_CHANGE", "DEVICE_ADDED", "DEVICE_REMOVED", "AGENT_LIFECYCLE")

_CLOSED_BECAUSE = {
    libvirt.VIR_CONNECT_CLOSE_REASON_EOF: "the daemon closed it",
    libvirt.VIR_CONNECT_CLOSE_REASON_KEEPALIVE: "the daemon does not answer",
}


def without_prompts(uri: str) -> str:
    """Return a URI by which nothing ever asks a person: `ssh` would open the terminal for that."""
    scheme, _, rest = uri.partition("://")
    if not scheme.endswith("+ssh") or "no_tty=" in rest:
        return uri
    return f"{uri}{'&' if '?' in rest else '?'}no_tty=1"


class Listener(Protocol):
    """Hears what a connection has to tell. Called from libvirt's event thread: no method may block."""

    def guest_changed(self, guest: GuestId, *, undefined: bool) -> None:
        """A domain's definition or state changed; ``undefined``: its definition is gone."""

    def networks_changed(self) -> None:
        """A network was defined, started, stopped or undefined."""

    def connection_lost(self, reason: str) -> None:
        """Nothing more will come. Called at most once."""


def pause(attempt: int, jitter: float) -> float:
    """Return the seconds from the start of connection attempt `attempt` (counted from 0) to the next.

    1, 2, 4 ... 30 s, shortened by up to half: `jitter` is a number from 0 to 1.
    """
    doublings = min(attempt, 10)
    return min(_FIRST_PAUSE * (1 << doublings), _LONGEST_PAUSE) * (1 - jitter / 2)


class Link:
    """An open connection with everything registered on it. Events arrive from when it is made."""

    def __init__(
        self, connection: libvirt.virConnect, listener: Listener, keepalive: tuple[int, int]
    ) -> None:
        """Register. ``keepalive`` is libvirt's interval in seconds and count.

        Raises ``libvirt.libvirtError`` if the connection cannot tell of domains at all.
        """
        self.connection = connection
        self._listener = listener
        self._lost = False
        self._undo: list[Callable[[], object]] = [connection.unregisterCloseCallback]
        try:
            self._register(keepalive)
        except libvirt.libvirtError:
            self.close()
            raise

    @property
    def lost(self) -> bool:
        """Whether it was told to be lost. Any thread may ask."""
        return self._lost

    def check(self) -> bool:
        """Return whether it is open as far as this side knows; if not, tell the listener. No request."""
        if not self._lost and not self.connection.isAlive():
            self._lose("the line was cut")
        return not self._lost

    def close(self) -> None:
        """Deregister, since each registration holds the connection open, and close it."""
        self._lost = True
        for step in (*self._undo, self.connection.close):
            # On a lost connection each of these fails, having done its local part.
            with contextlib.suppress(libvirt.libvirtError):
                step()

    def _register(self, keepalive: tuple[int, int]) -> None:
        with contextlib.suppress(libvirt.libvirtError):  # drivers without a daemon have neither
            self.connection.registerCloseCallback(self._on_close, None)
            self.connection.setKeepAlive(*keepalive)
        self._register_domain(libvirt.VIR_DOMAIN_EVENT_ID_LIFECYCLE, self._on_lifecycle)
        for name in _DOMAIN_EVENTS:
            event = getattr(libvirt, f"VIR_DOMAIN_EVENT_ID_{name}", None)
            if event is not None:
                with contextlib.suppress(libvirt.libvirtError):
                    self._register_domain(event, self._on_domain)
        with contextlib.suppress(libvirt.libvirtError):
            self._register_network(libvirt.VIR_NETWORK_EVENT_ID_LIFECYCLE, self._on_network)

    def _register_domain(self, event: int, callback: Callable[..., None]) -> None:
        number = self.connection.domainEventRegisterAny(None, event, callback, None)
        self._undo.append(lambda: self.connection.domainEventDeregisterAny(number))

    def _register_network(self, event: int, callback: Callable[..., None]) -> None:
        number = self.connection.networkEventRegisterAny(None, event, callback, None)
        self._undo.append(lambda: self.connection.networkEventDeregisterAny(number))

    def _on_lifecycle(
        self, _connection: object, domain: libvirt.virDomain, event: int, detail: int, _opaque: object
    ) -> None:
        undefined = event == libvirt.VIR_DOMAIN_EVENT_UNDEFINED
        # A rename is told as UNDEFINED and DEFINED of the same UUID.
        renamed = undefined and detail == libvirt.VIR_DOMAIN_EVENT_UNDEFINED_RENAMED
        self._listener.guest_changed(identity(domain), undefined=undefined and not renamed)

    def _on_domain(self, _connection: object, domain: libvirt.virDomain, *_details: object) -> None:
        self._listener.guest_changed(identity(domain), undefined=False)

    def _on_network(self, *_details: object) -> None:
        self._listener.networks_changed()

    def _on_close(self, _connection: object, reason: int, _opaque: object) -> None:
        self._lose(_CLOSED_BECAUSE.get(reason, "there was an error on the line"))

    def _lose(self, reason: str) -> None:
        if not self._lost:
            self._lost = True
            self._listener.connection_lost(reason)
