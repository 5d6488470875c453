"""What tells one zone that we publish from another."""

from dataclasses import dataclass

from dns.name import Name


@dataclass(frozen=True, slots=True, order=True)
class ZoneId:
    """A zone, or one view of it: inside the program each view of a zone is a zone of its own.

    ``view`` is None for a zone without views. As text: ``vmsrv.example.org`` or ``vmsrv.example.org@inside``.
    """

    name: Name
    view: str | None = None

    def __str__(self) -> str:
        name = self.name.to_text(omit_final_dot=True)
        return name if self.view is None else f"{name}@{self.view}"
