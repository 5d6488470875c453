"""What admins say beside claims and members: guests' owners, reserved names, and whether the audit is whole."""

import re
from dataclasses import replace

from skulldns.desired.policy.labels import login as judge_login
from skulldns.errors import Refused
from skulldns.model.guests import GuestId, said
from skulldns.model.members import Actor
from webui.desk.base import Desk, active_member, require_admin, write_down

_ENTRY = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\*?", re.ASCII)
_LONGEST_NOTE = 200


def assign_owner(desk: Desk, actor: Actor, guest: str, login: str | None, now: float) -> None:
    """Say whose a guest is; None: as its hypervisor says. The config's word stays stronger. Raises ``Refused``."""
    with desk.office.writing() as books:
        require_admin(books, actor)
        if books.views.guest(guest) is None:
            raise Refused(f"there is no guest {said(guest)}", cure="look at the list of guests")
        if login is not None:
            active_member(books, judge_login(login))
        before = books.settings.assignment(GuestId(guest))
        books.settings.assign(GuestId(guest), replace(before, owner=login))
        write_down(
            books, actor, "assign owner", guest, now, before={"owner": before.owner}, after={"owner": login}
        )


def reserve(desk: Desk, actor: Actor, label: str, note: str, now: float) -> None:
    """Let nobody claim a label; a star at its end stands for any ending. Claims that are there stay.

    Raises ``Refused``.
    """
    entry = label.strip().lower()
    if not _ENTRY.fullmatch(entry):
        raise Refused(
            f"{said(label)} cannot be reserved", cure="write one label, with * at its end if need be"
        )
    if len(note) > _LONGEST_NOTE or not (note.isprintable() or not note):
        raise Refused("the note is too long", cure=f"use one line of at most {_LONGEST_NOTE} characters")
    with desk.office.writing() as books:
        require_admin(books, actor)
        books.settings.reserve(entry, note)
        write_down(books, actor, "reserve", entry, now, after={"note": note})


def unreserve(desk: Desk, actor: Actor, label: str, now: float) -> None:
    """Let members claim a label again. Raises ``Refused``."""
    with desk.office.writing() as books:
        require_admin(books, actor)
        if not books.settings.unreserve(label):
            raise Refused(
                f"{said(label)} is not reserved here", cure="the config and the built-in list have others"
            )
        write_down(books, actor, "unreserve", label, now)
