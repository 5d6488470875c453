"""Notices as mail, through a mail server (SMTP, RFC 5321; submission, RFC 6409)."""

import hashlib
import smtplib
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime

from skulldns.errors import Refused, Unavailable
from skulldns.model.certificates import shown
from skulldns.model.notices import Delivery, Protection

_TIMEOUT = 20.0
_PERMANENT = 500
_TRANSIENT_LIMIT = 600


@dataclass(frozen=True, slots=True)
class MailServer:
    """Where mail is handed in, and as whom; ``password`` is read when it is needed."""

    host: str
    port: int
    security: Protection
    login: str | None = None
    password: Callable[[], str] = field(default=lambda: "", repr=False)


class MailNotifier:
    """Sends plain text from ``sender``, with links to the page at ``url``, which is called ``title``."""

    def __init__(
        self, server: MailServer, sender: str, url: str, title: str, trust: ssl.SSLContext | None = None
    ) -> None:
        self._server = server
        self._sender = sender
        self._url = url.rstrip("/")
        self._title = title
        self._trust = trust or ssl.create_default_context()

    def tell(self, delivery: Delivery) -> None:
        message = self._message(delivery)
        try:
            with self._connected() as smtp:
                smtp.send_message(message)
        except smtplib.SMTPRecipientsRefused as error:
            code, text = next(iter(error.recipients.values()))
            raise self._trouble(code, text) from error
        except smtplib.SMTPResponseException as error:
            raise self._trouble(error.smtp_code, error.smtp_error, lasting=False) from error
        except (OSError, smtplib.SMTPException) as error:
            raise Unavailable(
                f"the mail server does not take mail: {error}",
                where=self._server.host,
                cure="look at its log",
            ) from error

    def _connected(self) -> smtplib.SMTP:
        server = self._server
        if server.security is Protection.TLS:
            smtp: smtplib.SMTP = smtplib.SMTP_SSL(
                server.host, server.port, timeout=_TIMEOUT, context=self._trust
            )
        else:
            smtp = smtplib.SMTP(server.host, server.port, timeout=_TIMEOUT)
        try:
            if server.security is Protection.STARTTLS:
                smtp.starttls(context=self._trust)
            if server.login is not None:
                smtp.login(server.login, server.password())
        except BaseException:
            smtp.close()
            raise
        return smtp

    def _message(self, delivery: Delivery) -> EmailMessage:
        notice = delivery.notice
        message = EmailMessage()
        message["From"] = self._sender
        message["To"] = delivery.to.removeprefix("mail:")
        message["Subject"] = f"{self._title}: {notice.kind}: {shown(notice.name)}"
        message["Date"] = format_datetime(datetime.fromtimestamp(notice.at, UTC))
        # The same for each try, so that a reader's program shows one of two.
        unique = hashlib.sha256(f"{notice.key} {delivery.to}".encode()).hexdigest()[:32]
        message["Message-ID"] = f"<{unique}@{self._sender.rpartition('@')[2]}>"
        message["Auto-Submitted"] = "auto-generated"  # RFC 3834: nobody's absence note answers it
        what = notice.what[:1].upper() + notice.what[1:]
        cure = notice.cure[:1].upper() + notice.cure[1:]
        message.set_content(f"{what.rstrip('.')}.\n\n{cure}:\n{self._url}{notice.page}\n")
        return message

    def _trouble(self, code: int, text: bytes | str, *, lasting: bool = True) -> Refused | Unavailable:
        said = text.decode(errors="replace") if isinstance(text, bytes) else text
        what = f"the mail server says {code} {said}"
        if lasting and _PERMANENT <= code < _TRANSIENT_LIMIT:
            return Refused(what, cure="correct the member's mail address")
        return Unavailable(what, where=self._server.host, cure="look at its log")
