"""Where a name leads, between a form's fields and a value."""

from collections.abc import Mapping

import dns.name

from skulldns.desired.policy.alike import shown_name
from skulldns.desired.policy.hostnames import any_hostname, hostname
from skulldns.desired.policy.labels import port
from skulldns.desired.policy.rules import Rules
from skulldns.errors import Refused
from skulldns.model.claims import AddressTarget, AliasTarget, GuestTarget, RedirectTarget, Target
from skulldns.model.guests import GuestId
from skulldns.model.sites import Scheme
from webui.texts import _

KINDS = ("site", "direct", "alias", "address", "redirect")
"""What a form's field `kind` may say: a guest through the proxy, a guest itself, and the other targets."""


def target(form: Mapping[str, str], rules: Rules) -> Target:
    """The target that a form describes; whether the member may have it is the desk's to say. Raises ``Refused``."""
    match form.get("kind", ""):
        case "site":
            scheme = Scheme.HTTPS if form.get("scheme") == "https" else Scheme.HTTP
            return GuestTarget(GuestId(form.get("guest", "")), port(form.get("port") or "80"), scheme)
        case "direct":
            return GuestTarget(GuestId(form.get("guest", "")), direct=True)
        case "alias":
            return AliasTarget(_goal(form.get("alias", ""), rules))
        case "address":
            return AddressTarget()
        case "redirect":
            return RedirectTarget(form.get("url", "").strip())
        case _:
            raise Refused(_("nothing says where the name leads"), cure=_("choose one of the targets"))


def fields(found: Target) -> dict[str, str]:
    """The fields of a form that describe ``found``: the reverse of ``target``."""
    match found:
        case GuestTarget(guest, direct=True):
            return {"kind": "direct", "guest": guest}
        case GuestTarget(guest, number, scheme):
            return {"kind": "site", "guest": guest, "port": str(number), "scheme": scheme.value}
        case AliasTarget(name):
            return {"kind": "alias", "alias": shown_name(name)}
        case AddressTarget():
            return {"kind": "address"}
        case RedirectTarget(url):
            return {"kind": "redirect", "url": url}


def _goal(text: str, rules: Rules) -> dns.name.Name:
    """The name an alias leads to; one label alone is in our first zone."""
    return any_hostname(text.strip()) if "." in text.strip().rstrip(".") else hostname(text.strip(), rules)
