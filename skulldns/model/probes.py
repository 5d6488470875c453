"""What a probe found, as a frozen value."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Probe:
    """One request: whether it was answered as a visitor would wish, a sentence, and how long it took in seconds.

    ``status`` is the HTTP status code of the answer; None where none came.
    """

    good: bool
    text: str
    seconds: float | None = None
    status: int | None = None
