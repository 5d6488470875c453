"""An alarm, as a frozen value."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Alarm:
    """Something that needs a person.

    ``key`` tells one alarm from another and stays as long as it lasts; ``what`` is a sentence with the cure; ``guest``
    is the name of the guest that it is about, as the hypervisor has it, if any; ``since`` a Unix time.
    """

    key: str
    what: str
    guest: str | None
    since: float
