"""Proofs and look-ups in memory that keep the contracts of ``Prover`` and ``Lookups``, with faults on command."""

from collections.abc import Mapping, Sequence

from dns.name import Name

from skulldns.errors import SkullDNSError
from skulldns.model.certificates import Caa, Proof
from skulldns.model.guests import IPAddress


class FakeProver:
    """Keeps what is placed in ``placed``.

    ``trouble`` is raised by every call; ``lag`` is how often a proof is asked for until it is seen; ``leftovers`` are
    proofs that a crash left.
    """

    def __init__(self) -> None:
        self.placed: list[Proof] = []
        self.leftovers: list[Proof] = []
        self.trouble: SkullDNSError | None = None
        self.lag = 0

    def check(self, name: Name) -> None:  # noqa: ARG002 - it has a way for every name
        self._work()

    def place(self, proof: Proof) -> None:
        self._work()
        self.placed.append(proof)

    def seen(self, proof: Proof) -> bool:
        self._work()
        if self.lag:
            self.lag -= 1
            return False
        return proof in self.placed

    def remove(self, proof: Proof) -> None:
        self._work()
        if proof in self.placed:
            self.placed.remove(proof)

    def sweep(self) -> int:
        self._work()
        count = len(self.leftovers)
        self.leftovers.clear()
        return count

    def _work(self) -> None:
        if self.trouble:
            raise self.trouble


class FakeLookups:
    """Answers from ``at`` (addresses by name) and ``records`` (CAA by name)."""

    def __init__(self) -> None:
        self.at: dict[Name, Mapping[str, frozenset[IPAddress]]] = {}
        self.records: dict[Name, Sequence[Caa]] = {}
        self.trouble: SkullDNSError | None = None

    def addresses(self, name: Name) -> Mapping[str, frozenset[IPAddress]]:
        self._work()
        return self.at.get(name, {"192.0.2.53:53": frozenset()})

    def caa(self, name: Name) -> Sequence[Caa]:
        self._work()
        return self.records.get(name, ())

    def _work(self) -> None:
        if self.trouble:
            raise self.trouble
