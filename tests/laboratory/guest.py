"""What every kind of guest has in common."""

import secrets
from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import Self


@dataclass(frozen=True, slots=True)
class Wanted:
    """A guest to be made. `asks` is the host name that it asks DHCP for; `mac` is drawn when None."""

    name: str
    mac: str | None = None
    owner: str | None = None
    asks: str | None = None
    dhcp: bool = True

    def environment(self) -> dict[str, str]:
        """What the guest's process 1 reads."""
        found = {"GUEST_NAME": self.name, "GUEST_DHCP": "yes" if self.dhcp else "no"}
        return found | ({"GUEST_ASKS": self.asks} if self.asks else {})


def draw_mac(prefix: str) -> str:
    """A MAC address that begins with the three bytes of a hypervisor."""
    return ":".join((prefix, *(f"{one:02x}" for one in secrets.token_bytes(3))))


def read_leases(path: Path) -> dict[str, str]:
    """The leased addresses by MAC in a lease file of dnsmasq: expiry, MAC, address, host name, client id."""
    if not path.exists():
        return {}
    lines = (line.split() for line in path.read_text(encoding="utf-8").splitlines())
    return {line[1]: line[2] for line in lines if len(line) == 5}


class Guest(ABC):
    """A guest that was created; it does not run before `start`. As a context manager it is destroyed at the end."""

    name: str
    mac: str

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.destroy()

    @abstractmethod
    def start(self) -> Self:
        """Start it; returns when the hypervisor says that it runs, before it has an address."""

    @abstractmethod
    def stop(self) -> None:
        """Stop it at once; it stays defined."""

    @abstractmethod
    def destroy(self) -> None:
        """Stop it if it runs, and remove it."""

    @abstractmethod
    def run(self, *argv: str) -> str:
        """Run a command in it and return its output.

        Raises Unavailable when that fails.
        """

    @abstractmethod
    def lease(self) -> str | None:
        """The address that the host leased to it."""
