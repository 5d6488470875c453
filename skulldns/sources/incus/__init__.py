"""Guests of Incus and LXD: containers and virtual machines, over the REST API that both speak.

`source` keeps the contract; below it `endpoint` and `api` ask, `line` hears events, `reader` looks, `places`
knows which instance is which guest, `surroundings` what the daemon's host knows besides, and `answers`,
`addresses` and `events` are pure.
"""

from skulldns.sources.incus.endpoint import Endpoint, LocalSocket, Remote
from skulldns.sources.incus.source import IncusSource, Limits

__all__ = ["Endpoint", "IncusSource", "Limits", "LocalSocket", "Remote"]
