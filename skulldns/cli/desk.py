"""The members' desk on the command line: whoever may write the database acts there as an admin."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from skulldns.config import Config, load
from skulldns.errors import Refused
from skulldns.model.claims import Claim
from skulldns.model.members import COMMAND_LINE, Actor

if TYPE_CHECKING:
    from skulldns.store.office import Office
    from webui.desk import Desk

json_option = click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
ROOT = Actor(COMMAND_LINE, admin=True)


def for_option(*, required: bool = False) -> Callable[..., Any]:
    """Give a verb ``--for``, and its function the argument ``login``: the member for whom something is done."""
    return click.option("--for", "login", required=required, help="The member for whom it is done: a login.")


def acting_for(login: str) -> Actor:
    """The command line, acting for a member."""
    return Actor(COMMAND_LINE, admin=True, acting_as=login)


def open_desk(path: Path) -> "Desk":
    """The desk of the config file at ``path``. It needs the database, and no key. Raises ``ConfigError``."""
    return desk_of(load(path, secrets=False))


def desk_of(config: Config, opened: "Callable[[str], Office] | None" = None) -> "Desk":
    """The desk of a config, whose database is ``opened`` anew if nothing else is said. Raises ``Unavailable``."""
    # Imported here because they bring SQLAlchemy and more, which the help needs not.
    from skulldns.store.office import open_office
    from skulldns.wiring.members import rules
    from webui.desk import Desk

    return Desk((opened or open_office)(config.database), rules(config))


def claim_at(desk: "Desk", text: str, login: str | None) -> Claim:
    """The claim at a name as typed: of the member ``login``, or of whoever has it. Raises ``Refused``."""
    from skulldns.desired.policy.hostnames import hostname

    name = hostname(text, desk.rules)
    with desk.office.reading() as books:
        found = [one for one in books.claims.at(name) if login in {None, one.member}]
    for one in sorted(found, key=lambda one: not one.state.holds):
        return one
    whose = f"{login} has" if login else "nobody has"
    raise Refused(f"{whose} claimed {text}", cure="see 'skulldns claim list'")
