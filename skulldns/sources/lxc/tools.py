"""LXC's own programs: what they are asked, and what they answer.

Formats: lxc-ls(1), lxc-info(1). A container's state and pid come from its monitor process on the host; the
addresses from inside of its network namespace, which the guest sets as it likes.
"""

import os
import re
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from skulldns.errors import Unavailable
from skulldns.model.guests import IPAddress, SourceName
from skulldns.sources.host.commands import Finished, Hangs, Missing, Run
from skulldns.sources.host.leases import parse_ip, parse_mac
from skulldns.sources.host.neighbours import parse_json_list
from skulldns.sources.lxc.account import as_their_user
from skulldns.sources.lxc.limits import Limits

_COLUMNS = "STATE,PID,IPV4,IPV6,NAME"
_ADDRESSES = r"-|[0-9a-fA-F.:]+(?:, [0-9a-fA-F.:]+)*"
_ROW = re.compile(rf"([A-Z]+) +(-|\d+) +({_ADDRESSES}) +({_ADDRESSES}) +(.*?) *")

# lxc(7), CONTAINER LIFE CYCLE. While it starts it has no address yet; while it stops its init has ended.
_RUNNING = frozenset({"RUNNING", "FREEZING", "FROZEN", "THAWED"})
_STATES = _RUNNING | {"STOPPED", "STARTING", "STOPPING", "ABORTING"}

_AT_ONCE = 8  # processes, and only when one container keeps the list of all from being made


@dataclass(frozen=True, slots=True)
class Status:
    """What a container is doing; ``pid`` is that of its init on the host."""

    running: bool = False
    pid: int | None = None
    told: tuple[IPAddress, ...] = ()


class Unanswered(Unavailable):
    """Wait: LXC says nothing of one container, though it does of others."""


class Hanging(Unanswered):
    """Wait: the container's monitor process does not answer, and so holds up the list of all."""


class Tools:
    """Asks LXC's programs about the containers below one path, as the user to whom they belong. One thread uses it."""

    def __init__(
        self, path: Path, source: SourceName, *, command: Sequence[str], execute: Run, limits: Limits
    ) -> None:
        self._path = path
        self._source = source
        self._command = tuple(command)
        self._execute = execute
        self._limits = limits
        self._hanging: frozenset[str] = frozenset()

    def monitor_command(self) -> Sequence[str]:
        """Return the program, with arguments, that prints the changes of all containers' states. Any thread may ask."""
        return self._lxc("lxc-monitor", "-n", ".*")

    def all(self, names: Collection[str]) -> Mapping[str, Status]:
        """Return what all containers are doing, with one call. Those that LXC cannot read are left out.

        If a container does not answer, the list of all never ends; then each one is asked. Raises
        ``Unavailable``.
        """
        deadline = time.monotonic() + self._limits.look
        still = self._ask_each(self._hanging & {*names}, deadline)[1]
        if still:
            return self._each(names, deadline)
        self._hanging = frozenset()
        try:
            answer = self._execute(self._lxc("lxc-ls", "-f", "-F", _COLUMNS), self._limits.everything)
        except Hangs:
            return self._each(names, deadline)
        except Missing as missing:
            raise self._missing(missing) from None
        if answer.status:
            raise Unavailable(
                f"lxc-ls fails: {answer.complaint}", where=self._source, cure="see whether it runs by hand"
            )
        return dict(parse_list(answer.output))

    def one(self, name: str) -> Status | None:
        """Return what one container is doing; None if LXC does not know it. Raises ``Unavailable``."""
        try:
            answer = self._execute(
                self._lxc("lxc-info", "-n", name, "-s", "-p", "-i", "-H"), self._limits.one
            )
        except Missing as missing:
            raise self._missing(missing) from None
        except Hangs:
            raise Hanging(
                f"container {name!a} does not answer LXC",
                where=self._source,
                cure="if it stays so, end its monitor process ([lxc monitor] in the list of processes)",
            ) from None
        if not answer.status:
            return parse_info(answer.output)
        if "doesn't exist" in answer.output + answer.errors:
            return None
        raise Unanswered(
            f"lxc-info of container {name!a} fails: {answer.complaint}",
            where=self._source,
            cure="mend the container's config",
        )

    def devices(self, pid: int) -> Mapping[str, str] | None:
        """Return the MACs in a container's network namespace by device; None if it cannot be entered.

        Root may enter all; the owner of an unprivileged container enters its user namespace with it. Raises
        ``Unavailable``.
        """
        link = ("ip", "-json", "link", "show")
        for rights in ((), ("--user", "--preserve-credentials")):
            answer = self._nsenter(
                (*self._prefix(), "nsenter", "--target", str(pid), *rights, "--net", *link)
            )
            if not answer.status:
                return dict(parse_links(answer.output))
        return None

    def _lxc(self, program: str, *arguments: str) -> Sequence[str]:
        return *self._prefix(), program, "-P", str(self._path), *arguments

    def _prefix(self) -> Sequence[str]:
        # Asked for anew each time: the directory may have been missing.
        return *self._command, *as_their_user(self._path, os.geteuid())

    def _nsenter(self, arguments: Sequence[str]) -> Finished:
        try:
            return self._execute(arguments, self._limits.one)
        except (Missing, Hangs):
            raise Unavailable(
                "nsenter does not answer", where=self._source, cure="install util-linux and iproute2"
            ) from None

    def _each(self, names: Collection[str], deadline: float) -> Mapping[str, Status]:
        """Ask for each container by itself, and remember those that do not answer."""
        found, self._hanging = self._ask_each(names, deadline)
        if self._hanging and not found:
            raise Unavailable(
                "no container answers LXC", where=self._source, cure="see whether lxc-ls -f ends by hand"
            )
        return found

    def _ask_each(
        self, names: Collection[str], deadline: float
    ) -> tuple[Mapping[str, Status], frozenset[str]]:
        """Ask for some containers at once; return what was answered, and which do not answer."""

        def ask(name: str) -> Status | Unanswered | None:
            try:
                return self.one(name) if time.monotonic() < deadline else None
            except Unanswered as error:
                return error

        if not names:
            return {}, frozenset()
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            answers = dict(zip(names, pool.map(ask, names), strict=True))
        found = {name: answer for name, answer in answers.items() if isinstance(answer, Status)}
        return found, frozenset(name for name, answer in answers.items() if isinstance(answer, Hanging))

    def _missing(self, missing: Missing) -> Unavailable:
        return Unavailable(
            f"the program for LXC is missing ({missing})",
            where=self._source,
            cure="install LXC's tools (Debian package lxc)",
        )


def parse_list(text: str) -> Iterator[tuple[str, Status]]:
    """Read what `lxc-ls -f` prints with the columns above; lines of another shape are passed over.

    A name that ends with a space cannot be told from the padding.
    """
    for line in text.splitlines():
        found = _ROW.fullmatch(line)
        if found and found[1] in _STATES:
            told = f"{found[3]}, {found[4]}".split(", ")
            yield found[5], _status(found[1], found[2], told)


def parse_info(text: str) -> Status:
    """Read what `lxc-info -s -p -i -H` prints: a key, a colon and a value on each line."""
    values: dict[str, list[str]] = {}
    for line in text.splitlines():
        key, _, value = line.partition(":")
        values.setdefault(key, []).append(value.strip())
    return _status(values.get("State", [""])[0], values.get("PID", [""])[0], values.get("IP", ()))


def parse_links(text: str) -> Iterator[tuple[str, str]]:
    """Yield device and MAC from what `ip -json link show` prints, Ethernet only."""
    for link in parse_json_list(text):
        device, mac = link.get("ifname"), parse_mac(link.get("address"))
        if isinstance(device, str) and mac and link.get("link_type") == "ether":
            yield device, mac


def _status(state: str, pid: str, told: Sequence[str]) -> Status:
    if state not in _RUNNING:
        return Status()
    ips = (parse_ip(one) for one in told)
    return Status(
        running=True,
        pid=int(pid) if pid.isdecimal() else None,
        told=tuple(ip for ip in ips if ip is not None),
    )
