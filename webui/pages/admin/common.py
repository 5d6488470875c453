"""What all pages of admins share: their place, their tabs, and who acts."""

from dataclasses import replace

from flask import Blueprint

from skulldns.model.members import Actor
from webui.sessions import present
from webui.texts import _

blueprint = Blueprint("admin", __name__, url_prefix="/admin")


@blueprint.app_context_processor
def _tabs() -> dict[str, object]:
    return {
        "tabs": lambda: [
            (("admin.members", "admin.member"), _("Members")),
            (("admin.invitations", "admin.invite"), _("Invitations")),
            (("admin.names", "admin.name"), _("Names")),
            (("admin.approvals",), _("Approvals")),
            (("admin.guests",), _("Guests")),
            (("admin.reserved",), _("Reserved names")),
            (("admin.health",), _("Health")),
            (("admin.audit",), _("Audit")),
        ]
    }


def me() -> Actor:
    """The admin as themselves, also while acting for a member."""
    return replace(present().actor, acting_as=None)
