"""Static records, as an admin wrote them."""

from dataclasses import dataclass

from skulldns.model.records import RRset


@dataclass(frozen=True, slots=True)
class StaticRecord:
    """One RRset of a zone file, and where it stands there (``line`` and ``column`` count from 1)."""

    rrset: RRset
    file: str
    line: int
    column: int

    @property
    def where(self) -> str:
        """``file:line:column``."""
        return f"{self.file}:{self.line}:{self.column}"
