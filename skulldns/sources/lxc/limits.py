"""How long to wait for LXC, as data."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Pauses:
    """Seconds. ``tick`` is how often to check on a monitor, ``subscribe`` how long it may take to meet lxc-monitord.

    ``overdue`` is how long after a look a monitor may tell what the look found. After its end it is started
    anew after ``first``, then twice that, up to ``longest``; one that lived ``healthy`` begins from the first again.
    """

    tick: float = 1.0
    subscribe: float = 2.0
    overdue: float = 2.0
    first: float = 0.5
    longest: float = 30.0
    healthy: float = 60.0


@dataclass(frozen=True, slots=True)
class Limits:
    """How long LXC's programs may take, in seconds: the list of all, one container, and a whole look.

    ``pauses`` are those of the monitor.
    """

    everything: float = 8.0
    one: float = 3.0
    look: float = 20.0
    pauses: Pauses = field(default_factory=Pauses)
