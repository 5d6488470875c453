"""Remembers how members sign in, and who tried in vain."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict

from sqlalchemy import Connection, delete, func, select
from sqlalchemy.dialects.sqlite import insert

from skulldns.model.members import Identity, Passkey
from skulldns.store.membertables import (
    failed_signins,
    identities,
    passkeys,
    passwords,
    recovery_codes,
    spent_secrets,
)


class SignInBook:
    """Passwords, passkeys, recovery codes, identities elsewhere and failed tries, within one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def password(self, login: str) -> str | None:
        """The password in argon2id's encoding."""
        query = select(passwords.c.encoded).where(passwords.c.login == login)
        return self._connection.execute(query).scalar()

    def set_password(self, login: str, encoded: str | None) -> None:
        """Store a password as argon2id encodes it; None: the member has none."""
        self._connection.execute(delete(passwords).where(passwords.c.login == login))
        if encoded is not None:
            self._connection.execute(insert(passwords).values(login=login, encoded=encoded))

    def passkeys(self, login: str) -> Sequence[Passkey]:
        """A member's passkeys, the oldest first."""
        query = select(passkeys).where(passkeys.c.member == login).order_by(passkeys.c.created)
        return [Passkey(**row._mapping) for row in self._connection.execute(query)]  # noqa: SLF001 - public name

    def passkey(self, identity: bytes) -> Passkey | None:
        """The passkey with a credential id."""
        row = self._connection.execute(select(passkeys).where(passkeys.c.id == identity)).first()
        return None if row is None else Passkey(**row._mapping)  # noqa: SLF001 - public name

    def put_passkey(self, passkey: Passkey) -> None:
        """Store a passkey, new or used."""
        columns = asdict(passkey)
        put = insert(passkeys).values(columns)
        mine = passkeys.c.member == passkey.member
        self._connection.execute(put.on_conflict_do_update(index_elements=["id"], set_=columns, where=mine))

    def drop_passkey(self, login: str, identity: bytes) -> bool:
        """Remove a member's passkey; whether there was one."""
        where = (passkeys.c.id == identity, passkeys.c.member == login)
        return bool(self._connection.execute(delete(passkeys).where(*where)).rowcount)

    def set_recovery(self, login: str, hashes: Iterable[str]) -> None:
        """Store a member's recovery codes, as SHA-256, in place of former ones."""
        self._connection.execute(delete(recovery_codes).where(recovery_codes.c.member == login))
        rows = [{"member": login, "hash": one} for one in hashes]
        if rows:
            self._connection.execute(insert(recovery_codes), rows)

    def use_recovery(self, login: str, code_hash: str) -> bool:
        """Use up a recovery code; whether it was one."""
        where = (recovery_codes.c.member == login, recovery_codes.c.hash == code_hash)
        return bool(self._connection.execute(delete(recovery_codes).where(*where)).rowcount)

    def recovery_left(self, login: str) -> int:
        """How many recovery codes a member has left."""
        query = select(func.count()).select_from(recovery_codes).where(recovery_codes.c.member == login)
        return self._connection.execute(query).scalar_one()

    def member_of(self, identity: Identity) -> str | None:
        """The login of somebody who signed in elsewhere."""
        table = identities
        where = (table.c.issuer == identity.issuer, table.c.subject == identity.subject)
        return self._connection.execute(select(table.c.member).where(*where)).scalar()

    def link(self, login: str, identity: Identity) -> None:
        """From now on that identity is this member."""
        put = insert(identities).values(asdict(identity) | {"member": login})
        self._connection.execute(
            put.on_conflict_do_update(index_elements=["issuer", "subject"], set_={"member": login})
        )

    def identities(self, login: str) -> Sequence[Identity]:
        """Who a member is elsewhere."""
        query = select(identities).where(identities.c.member == login)
        return [Identity(row.issuer, row.subject) for row in self._connection.execute(query)]

    def unlink(self, login: str) -> bool:
        """From now on nobody elsewhere is this member; whether somebody was."""
        return bool(self._connection.execute(delete(identities).where(identities.c.member == login)).rowcount)

    def spend(self, secret_hash: str, until: float, now: float) -> bool:
        """Whether what has this SHA-256 works for the first time; ``until`` is when it ends by itself."""
        self._connection.execute(delete(spent_secrets).where(spent_secrets.c.until < now))
        put = insert(spent_secrets).values(hash=secret_hash, until=until)
        return bool(self._connection.execute(put.on_conflict_do_nothing()).rowcount)

    def failed(self, key: str, now: float) -> None:
        """Count a try that failed; ``key`` is an account or an address."""
        self._connection.execute(insert(failed_signins).values(key=key, at=now))

    def failures(self, key: str, since: float) -> int:
        """How many tries failed since then."""
        where = (failed_signins.c.key == key, failed_signins.c.at >= since)
        query = select(func.count()).select_from(failed_signins).where(*where)
        return self._connection.execute(query).scalar_one()

    def last_failure(self, key: str) -> float | None:
        """When a try failed last, as Unix time."""
        query = select(func.max(failed_signins.c.at)).where(failed_signins.c.key == key)
        return self._connection.execute(query).scalar()

    def forget_failures(self, key: str) -> None:
        """A try succeeded."""
        self._connection.execute(delete(failed_signins).where(failed_signins.c.key == key))

    def sweep(self, before: float) -> None:
        """Forget failures of before then."""
        self._connection.execute(delete(failed_signins).where(failed_signins.c.at < before))
