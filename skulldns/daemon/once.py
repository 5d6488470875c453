"""One look at everything without threads: for `plan`, `apply`, `status` and `why` while no daemon runs."""

import time

from skulldns.wiring import Installation

_SETTLE_TIMEOUT = 10.0
_PAUSE = 0.005


def look(installation: Installation, *, secondaries: bool = True) -> None:
    """Look at every source, zone file and server once; nothing is written to any server.

    Without ``secondaries`` no server is asked yet: a plan asks the primaries by itself.
    """
    for found in installation.zone_files.look_at_all(installation.config):
        installation.engine.mailbox.put(found)
    for looker in installation.lookers:
        looker.step()
    installation.engine.step()
    for publisher in installation.publishers:
        if not secondaries:
            publisher.listen()
            continue
        publisher.look()
        for follower in installation.followers[publisher.zone]:
            follower.step()


def settle(installation: Installation) -> list[str]:
    """Step the followers until every secondary serves what was published; a sentence for each that does not."""
    end = time.monotonic() + _SETTLE_TIMEOUT
    followers = [one for group in installation.followers.values() for one in group]
    while time.monotonic() < end:
        waits = [follower.step() for follower in followers]
        if not any(follower.pending for follower in followers):
            return []
        time.sleep(max(_PAUSE, min((wait for wait in waits if wait is not None), default=_PAUSE)))
    return [
        f"{follower.secondary.where} does not serve {len(follower.pending)} RRsets yet: "
        f"{follower.reason or 'it has not followed in time'}"
        for follower in followers
        if follower.pending
    ]
