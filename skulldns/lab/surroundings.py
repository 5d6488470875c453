"""What stands around a lab: further sources, and the networks and reverse zones of their guests.

Whoever wants some writes `surroundings.json` into the lab's directory before the lab is started, as in

    {"sources": [{"kind": "lxc", "path": "/srv/lxc", "zone": "vmsrv.test"}],
     "networks": ["192.0.2.0/24"], "reverse": ["2.0.192.in-addr.arpa"], "page": "names.elsewhere.test"}

Each key may be missing. The daemon watches these sources too, and both name servers have these reverse zones.
``page`` is the host name of the members' page, if it shall be a site behind the proxy: one in a zone of ns1.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from skulldns.errors import ConfigError
from skulldns.lab.place import Place

_FILE = "surroundings.json"
_OWN_NETWORK = "127.7.0.0/16"
_OWN_REVERSE = "7.127.in-addr.arpa"


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Sources as skulldns.yaml has them, beside the lab's own; networks and reverse zones with the lab's own."""

    sources: tuple[Mapping[str, Any], ...] = ()
    networks: tuple[str, ...] = (_OWN_NETWORK,)
    reverse: tuple[str, ...] = (_OWN_REVERSE,)
    page: str | None = None

    @classmethod
    def of(cls, place: Place) -> Self:
        """Those of the lab in this place.

        Raises ConfigError if the file is not JSON, or has a key that is not known.
        """
        path = place.directory / _FILE
        try:
            raw = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return cls()
        except ValueError as error:
            raise ConfigError(f"this is not JSON: {error}", file=path, cure="correct or remove it") from error
        try:
            return cls._with(**raw)
        except TypeError as error:
            cure = "its keys are sources, networks and reverse, each a list, and page"
            raise ConfigError(
                f"this does not describe surroundings: {error}", file=path, cure=cure
            ) from error

    @classmethod
    def _with(
        cls,
        *,
        sources: Sequence[Mapping[str, Any]] = (),
        networks: Sequence[str] = (),
        reverse: Sequence[str] = (),
        page: str | None = None,
    ) -> Self:
        return cls(tuple(sources), (_OWN_NETWORK, *networks), (_OWN_REVERSE, *reverse), page)
