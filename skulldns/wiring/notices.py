"""Who tells members, admins and programs, as the config says."""

import ssl
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

from skulldns.config import Config
from skulldns.config.secretfiles import secret_line
from skulldns.desired.policy.rules import Timing
from skulldns.errors import ConfigError, Unavailable
from skulldns.loop.clock import Clock
from skulldns.loop.notices import NoticeWatch
from skulldns.model.alarms import Alarm
from skulldns.store.notices import NoticeStore
from skulldns.store.office import Office
from skulldns.store.proving import ClaimStore
from skulldns.targets.notices.mail import MailNotifier, MailServer
from skulldns.targets.notices.webhook import WebhookNotifier
from skulldns.targets.protocol import Notifier


def build_notices(
    config: Config,
    office: Office,
    troubles: Callable[[], Iterable[Alarm]],
    times: Timing,
    clock: Clock,
    *,
    trust: ssl.SSLContext | None = None,
) -> NoticeWatch | None:
    """The worker that tells; None where the config names nobody. ``trust`` are the CAs of the mail server."""
    notices = config.notices
    if notices is None or config.web is None:
        return None
    page, title = config.web.url, config.web.title
    notifiers: dict[str, Notifier] = {
        hook.url: WebhookNotifier(hook.url, partial(_secret, hook.secret_file), page, clock.wall)
        for hook in notices.webhooks
    }
    if notices.smtp is not None and notices.sender is not None:
        smtp = notices.smtp
        password = partial(_secret, smtp.password_file) if smtp.password_file else str
        server = MailServer(smtp.host, smtp.port, smtp.security, smtp.login, password)
        notifiers["mail"] = MailNotifier(server, notices.sender, page, title, trust)
    hooks = {hook.url: hook.kinds for hook in notices.webhooks}
    return NoticeWatch(NoticeStore(office), ClaimStore(office), troubles, notifiers, hooks, times, clock)


def _secret(path: Path) -> str:
    """The secret in a file, read when it is used, so that it may be changed. Raises ``Unavailable``."""
    try:
        return secret_line(path)
    except ConfigError as error:
        raise Unavailable(str(error)) from error
