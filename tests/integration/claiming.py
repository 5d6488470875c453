"""Claims names at a desk, one after another, and says each that was acknowledged, until it is killed."""

import sys
import time
from ipaddress import IPv4Address
from itertools import count
from pathlib import Path

from skulldns.config import load
from skulldns.model.claims import AddressTarget
from skulldns.model.members import Actor
from skulldns.store.office import open_office
from skulldns.wiring.members import rules
from webui.desk import Desk, claims


def main() -> None:
    """The config and a word for the names are on the command line."""
    config = load(Path(sys.argv[1]))
    desk = Desk(open_office(config.database), rules(config))
    for number in count():
        label = f"{sys.argv[2]}-{number}"
        claims.claim(desk, Actor("alice"), label, AddressTarget(IPv4Address("198.51.100.7")), time.time())
        sys.stdout.write(f"{label}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
