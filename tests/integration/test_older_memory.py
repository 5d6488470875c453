"""A daemon killed after it published and before it remembered: its memory of guests is older than its ledger."""

import contextlib
import sqlite3
from collections.abc import Callable

import libvirt

from skulldns.config import load
from skulldns.errors import Unavailable
from skulldns.lab import Lab
from skulldns.lab.waiting import until
from tests.integration.hypervisor import addresses, define
from tests.integration.served import answered, daemon, full, gone, touching


def test_a_guest_that_is_not_there_any_more_takes_no_name_back(lab: Lab) -> None:
    with contextlib.closing(lab.libvirt()) as connection:
        former = define(connection, "seat")
        former.create()
        answered(lab, "seat", *addresses(former))
        successor = define(connection, "spare")

        def succeed() -> None:
            former.destroy()
            former.undefine()
            successor.rename("seat", 0)
            successor.create()
            answered(lab, "seat", *addresses(successor))

        _forget(lab, succeed, former, successor)
        until(lambda: _state(lab, former) in {"gone", None}, "the end of the former guest")
        answered(lab, "seat", *addresses(successor))
        (address,) = addresses(successor)
        history = [one.added for one in touching(lab, full(lab, "seat"))]
        assert len(history) == 2, "the former guest's address, then for ever the other's"
        assert address in history[1][0]


def test_a_renamed_guest_keeps_its_new_name(lab: Lab) -> None:
    with contextlib.closing(lab.libvirt()) as connection:
        domain = define(connection, "before")
        domain.create()
        answered(lab, "before", *addresses(domain))
        domain.destroy()

        def rename() -> None:
            domain.rename("after", 0)
            domain.create()
            answered(lab, "after", *addresses(domain))

        _forget(lab, rename, domain)
        gone(lab, "before")
        answered(lab, "after", *addresses(domain))
        assert not [one for one in touching(lab, full(lab, "after")) if not one.added]


def test_swapped_names_stay_swapped(lab: Lab) -> None:
    with contextlib.closing(lab.libvirt()) as connection:
        one, other = define(connection, "left"), define(connection, "right")
        for domain in (one, other):
            domain.create()
            answered(lab, domain.name(), *addresses(domain))

        def swap() -> None:
            for domain in (one, other):
                domain.destroy()
            one.rename("between", 0)
            other.rename("left", 0)
            one.rename("right", 0)
            for domain in (one, other):
                domain.create()
            answered(lab, "left", *addresses(other))
            answered(lab, "right", *addresses(one))

        sizes = {}

        def then() -> None:
            swap()
            for label in ("left", "right"):
                sizes[label] = len(touching(lab, full(lab, label)))

        _forget(lab, then, one, other)
        until(lambda: daemon(lab, "status")["sources"][0]["state"] == "ready", "the hypervisor's answer")
        until(lambda: not daemon(lab, "plan")["changes"], "the end of all work")
        answered(lab, "left", *addresses(other))
        answered(lab, "right", *addresses(one))
        assert sizes == {label: len(touching(lab, full(lab, label))) for label in sizes}


def _forget(lab: Lab, happens: Callable[[], None], *guests: libvirt.virDomain) -> None:
    """Let something happen, and kill and start the daemon as if it had remembered none of it."""
    database = load(lab.info.config).state / "skulldns.db"

    def remembered() -> list[tuple[str, str]]:
        with contextlib.closing(sqlite3.connect(database)) as store:
            return store.execute("SELECT id, known FROM guests").fetchall()

    wanted = {(guest.UUIDString(), guest.name()) for guest in guests}
    until(lambda: wanted <= {(one["id"], one["name"]) for one in daemon(lab, "guests")}, "the daemon's look")
    until(lambda: {uuid for uuid, _ in wanted} <= {uuid for uuid, _ in remembered()}, "its memory")
    before = remembered()
    happens()
    lab.kill("daemon")
    with contextlib.closing(sqlite3.connect(database)) as store, store:
        store.execute("DELETE FROM guests")
        store.executemany("INSERT INTO guests (id, known) VALUES (?, ?)", before)
    lab.start("daemon")
    until(lambda: _answers(lab), "the daemon's start")


def _answers(lab: Lab) -> bool:
    try:
        return bool(daemon(lab, "status"))
    except Unavailable:
        return False


def _state(lab: Lab, guest: libvirt.virDomain) -> str | None:
    """What the daemon holds of a guest; None once it has forgotten it."""
    return next((one["state"] for one in daemon(lab, "guests") if one["id"] == guest.UUIDString()), None)
