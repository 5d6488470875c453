"""Static records, as an admin wrote them."""

from dataclasses import dataclass

from skulldns.model.records import RRset


@dataclass(frozen=True, slots=True)
class StaticRecord:
    """One RRset of a zone file, and where it stands there (``line`` and ``column`` count from 1).

    ``reserved`` says that no guest or member may take its name; ``view`` is the only view that has it, None
    for all. A zone's files may have one RRset for each view and one for the others.
    """

    rrset: RRset
    file: str
    line: int
    column: int
    reserved: bool = False
    view: str | None = None

    @property
    def where(self) -> str:
        """``file:line:column``."""
        return f"{self.file}:{self.line}:{self.column}"
