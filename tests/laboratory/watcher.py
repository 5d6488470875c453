"""Watches the containers below a path as some user, and tells what it is woken to look at.

Run by root as `python -m tests.laboratory.watcher PATH LEASES UID`: the user may lack the right to read Python.
It says `ready` after its first look, and then of each guest that an event names: NAME, state and addresses, and what
only the guest itself says to have; or why not. It never looks at anything else.
"""

import os
import platform  # noqa: F401  watchfiles imports it late, when it may not be read any more
import queue
import sys
from pathlib import Path

from skulldns.errors import Unavailable
from skulldns.model.guests import Hint
from skulldns.sources.lxc import LxcSource


def main() -> None:
    """Watch until killed."""
    path, leases = map(Path, sys.argv[1:3])
    _become(int(sys.argv[3]))
    hints: queue.SimpleQueue[Hint] = queue.SimpleQueue()
    source = LxcSource(path, leases=[leases])
    source.watch(hints.put)
    source.guests()
    _say("ready")
    while True:
        hint = hints.get()
        try:
            guest = source.guest(hint.guest) if hint.guest else None
        except Unavailable as error:
            _say(f"{hint.guest}: {error}")
            continue
        if guest:
            heard = [str(address.ip) for address in guest.heard]
            known = [str(address.ip) for address in guest.addresses]
            _say(" ".join([guest.name, guest.state, *known, *(["heard", *heard] if heard else [])]))


def _become(user: int) -> None:
    os.setgroups([])
    os.setresgid(user, user, user)
    os.setresuid(user, user, user)


def _say(what: str) -> None:
    sys.stdout.write(f"{what}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
