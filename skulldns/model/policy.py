"""Choices of an admin that more than one room acts on."""

from enum import StrEnum


class Mode(StrEnum):
    """How far a zone may be changed."""

    SYNC = "sync"
    NO_DELETES = "no-deletes"
    OBSERVE = "observe"


class OnStop(StrEnum):
    """What becomes of a stopped guest's names: they stay, or go after the grace."""

    KEEP = "keep"
    WITHDRAW = "withdraw"


class Publish(StrEnum):
    """Whose addresses a guest's own name gets."""

    GUEST = "guest"
    PROXY = "proxy"


class Https(StrEnum):
    """Whether running guests get a site without asking."""

    AUTO = "auto"
    OFF = "off"


class Approval(StrEnum):
    """Which claims wait for an admin."""

    NONE = "none"
    ALL = "all"
