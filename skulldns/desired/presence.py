"""What a look says about a guest's presence: seen, missing, gone. Law 3: down is not empty, unseen is not gone.

A guest that a look does not show is *missing*. It is *gone* when its source had announced the end and a look
confirmed it, or when several looks in a row, spread over some time, have all missed it.
"""

from dataclasses import replace

from skulldns.model.guests import Guest, GuestState
from skulldns.model.presence import Known

LOOKS_TO_CONFIRM = 3
"""How many looks in a row must miss a guest whose end nobody announced."""

LOOK_AGAIN_AFTER = 1.0
"""Seconds between those looks."""


def seen(known: Known | None, guest: Guest, now: float) -> Known:
    """A look showed ``guest``. Addresses stay remembered while it shows none: stopped, or not yet booted."""
    if known is None:
        known = Known(guest)
    running = guest.state is GuestState.RUNNING
    return replace(
        known,
        guest=guest,
        interfaces=guest.interfaces if guest.addresses else known.interfaces,
        stopped_since=None if running else (known.stopped_since or now),
        missing_since=None,
        missing_looks=0,
        witnessed=False,
        gone_since=None,
        settled=running and (known.settled or bool(guest.addresses)),
    )


def missed(known: Known, now: float, *, witnessed: bool) -> Known:
    """A look at its source did not show the guest; ``witnessed``: the source had announced its end."""
    if known.gone_since is not None:
        return known
    since = now if known.missing_since is None else known.missing_since
    spread = now - since >= LOOK_AGAIN_AFTER * (LOOKS_TO_CONFIRM - 1)
    looks = known.missing_looks + 1
    announced = witnessed or known.witnessed
    certain = announced or (looks >= LOOKS_TO_CONFIRM and spread)
    return replace(
        known,
        missing_since=since,
        missing_looks=looks,
        witnessed=announced,
        gone_since=since if certain else None,
    )


def answers_for(known: Known, source: str, guest: Guest | None) -> bool:
    """Whether a look at ``source`` that showed ``guest`` (None: no such guest) may change what we know.

    A guest seen on two hosts (a migration) belongs to the host where it runs; what the other says of it is not
    about our guest.
    """
    if known.guest.source == source or not known.present:
        return guest is not None or known.guest.source == source
    return guest is not None and (
        guest.state is GuestState.RUNNING and known.guest.state is not GuestState.RUNNING
    )
