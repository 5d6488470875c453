"""What a benchmark answers."""

from dataclasses import dataclass

_LARGE = 100


@dataclass(frozen=True, slots=True)
class Row:
    """One figure; ``compare`` is what it is to be held against, in the same unit where it is a number."""

    what: str
    figure: float
    unit: str
    compare: str = ""

    @property
    def text(self) -> str:
        """The figure for people, with three digits before or after the point."""
        return f"{self.figure:,.0f}" if self.figure >= _LARGE else f"{self.figure:.3g}"
