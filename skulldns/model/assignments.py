"""What an admin assigned to a guest, as a frozen value."""

from dataclasses import dataclass

from skulldns.model.policy import Https, Publishing


@dataclass(frozen=True, slots=True)
class Assignment:
    """What an admin says about publishing a guest, checked already; None where nothing is said.

    ``names`` are further names for the guest, as typed: none at all where it is empty.
    """

    owner: str | None = None
    port: int | None = None
    names: tuple[str, ...] | None = None
    publish: Publishing | None = None
    https: Https | None = None


FIELDS = ("owner", "port", "names", "publish", "https")
"""What may be assigned, in the order in which it is shown."""
