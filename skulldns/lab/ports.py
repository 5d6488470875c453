"""Free ports for one lab, that no other lab starting at the same moment can choose."""

import random
import socket
from typing import Self

_LOOPBACK = "127.0.0.1"
_SIZE = 16
# Below the ephemeral range (ip_local_port_range starts at 32768), so no outgoing connection sits on them.
_BLOCKS = range(10_000, 32_000, _SIZE)


class PortBlock:
    """Sixteen neighbouring ports. The first is held while the block is used, so two labs never share one."""

    def __init__(self, guard: socket.socket) -> None:
        self._guard = guard
        self._first = int(guard.getsockname()[1])
        self._taken = 0

    @classmethod
    def find(cls) -> Self:
        """A block whose ports are all free for TCP and UDP at this moment.

        Raises OSError when there is none.
        """
        for first in random.sample(_BLOCKS, len(_BLOCKS)):
            if guard := _bind(socket.SOCK_STREAM, first):
                if all(_is_free(port) for port in range(first + 1, first + _SIZE)):
                    return cls(guard)
                guard.close()
        raise OSError(f"no {_SIZE} neighbouring ports are free on {_LOOPBACK}")

    def next(self) -> int:
        """The next unused port of the block, for TCP and UDP."""
        self._taken += 1
        if self._taken >= _SIZE:
            raise OSError(f"a lab has {_SIZE - 1} ports, and all are in use")
        return self._first + self._taken

    def close(self) -> None:
        """Give the block back."""
        self._guard.close()


def _is_free(port: int) -> bool:
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        probe = _bind(kind, port)
        if probe is None:
            return False
        probe.close()
    return True


def _bind(kind: socket.SocketKind, port: int) -> socket.socket | None:
    probe = socket.socket(socket.AF_INET, kind)
    try:
        probe.bind((_LOOPBACK, port))
    except OSError:
        probe.close()
        return None
    return probe
