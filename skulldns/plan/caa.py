"""Whether CAA records let a CA issue (RFC 8659), and our account there (RFC 8657)."""

from collections.abc import Collection, Iterable

from dns.name import Name

from skulldns.model.certificates import Caa, shown

_CRITICAL = 0x80
_KNOWN = {"issue", "issuewild", "iodef", "issuemail", "contactemail", "contactphone"}


def climb(name: Name) -> Iterable[Name]:
    """Where the CAA RRset of ``name`` may stand: the first of these that has one counts (RFC 8659 section 3)."""
    while len(name.labels) > 1:
        yield name
        name = name.parent()


def forbidden(
    name: Name,
    records: Collection[Caa],
    issuers: Collection[str],
    *,
    account: str | None = None,
    method: str | None = None,
) -> str | None:
    """Why ``records`` forbid a certificate for ``name`` (perhaps a wildcard); None if they allow it.

    ``issuers`` are the domains that stand for the CA: where none is known, only a record that forbids everybody
    counts. ``account`` is our account's URL there and ``method`` the kind of challenge (RFC 8657); what is not
    known is not checked.
    """
    unknown = [one.tag for one in records if one.flags & _CRITICAL and one.tag not in _KNOWN]
    if unknown:
        return f"a critical CAA record for {shown(name)} has the unknown tag {unknown[0]!r}"
    wild = [one for one in records if one.tag == "issuewild"] if name.is_wild() else []
    relevant = wild or [one for one in records if one.tag == "issue"]
    if not relevant:
        return None
    if any(_allows(one.value, issuers, account, method) for one in relevant):
        return None
    values = ", ".join(sorted({one.value.strip() or ";" for one in relevant}))
    return f"CAA records for {shown(name)} allow only {values}"


def _allows(value: str, issuers: Collection[str], account: str | None, method: str | None) -> bool:
    domain, *parameters = (part.strip() for part in value.split(";"))
    if not domain or (issuers and domain.rstrip(".").lower() not in {one.lower() for one in issuers}):
        return False
    wanted = dict(_parameter(part) for part in parameters if part)
    if account is not None and wanted.get("accounturi", account) != account:
        return False
    methods = wanted.get("validationmethods")
    return method is None or methods is None or method in {one.strip() for one in methods.split(",")}


def _parameter(text: str) -> tuple[str, str]:
    tag, _, value = text.partition("=")
    return tag.strip().lower(), value.strip()
