"""Testing files with nginx on a private prefix, and finding those that it does not take.

`nginx -t` opens what the configuration names: it binds the listening addresses, makes log files and temporary
directories. So a copy of the files is tested, that listens on sockets in a directory of its own.
"""

import re
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from jinja2 import Environment

from skulldns.errors import ConfigError, Refused, SkullDNSError
from skulldns.targets.nginx.program import Outcome, run
from skulldns.targets.vhost import syntax
from skulldns.targets.vhost.rendering import ENTRY
from skulldns.targets.vhost.settings import GENERATION

_WRAPPER = "test.conf.j2"
_NAMED = re.compile(r" in (?P<file>\S+):(?P<line>\d+)$")


class Trial:
    """Tests one set of files. ``directory`` is where the real files will lie."""

    def __init__(
        self, program: str, templates: Environment, directory: Path, files: Mapping[str, bytes]
    ) -> None:
        self._program = program
        self._templates = templates
        self._directory = directory
        self._files = files

    def faults(self, suspects: Sequence[str]) -> Mapping[str, SkullDNSError]:
        """Which of ``suspects`` (names of files in ``sites/``) nginx does not take, and why.

        Other files in ``sites/`` are not tested. Raises ConfigError if it is none of the suspects.
        """
        found: dict[str, SkullDNSError] = {}
        self._search(list(suspects), [], found)
        return found

    def _search(self, suspects: list[str], good: list[str], found: dict[str, SkullDNSError]) -> None:
        """Move each suspect to ``good`` or to ``found``; nginx names most faulty files, bisection finds the others."""
        while suspects or not good:
            outcome = self._test([*good, *suspects])
            if outcome.good:
                good += suspects
                return
            named = self._named(outcome, suspects)
            if named is not None:
                found[named] = _fault(outcome, named)
                suspects.remove(named)
            elif len(suspects) == 1:
                found[suspects[0]] = _fault(outcome, suspects[0])
                suspects = []
            elif suspects:
                half = len(suspects) // 2
                self._search(suspects[:half], good, found)
                suspects = suspects[half:]
            else:
                raise ConfigError(
                    f"nginx refuses the files that all sites share: {outcome.complaint}",
                    file=self._directory / "current" / ENTRY,
                    cure="correct the template",
                )

    def _named(self, outcome: Outcome, suspects: Sequence[str]) -> str | None:
        match = _NAMED.search(outcome.complaint)
        name = "/".join(Path(match["file"]).parts[-2:]) if match else None
        return name if name in suspects else None

    def _test(self, sites: Sequence[str]) -> Outcome:
        with tempfile.TemporaryDirectory(prefix="skulldns-nginx-") as prefix:
            home = Path(prefix)
            self._lay_out(home, sites)
            wrapper = self._templates.get_template(_WRAPPER).render(prefix=prefix)
            (home / "nginx.conf").write_text(wrapper, encoding="utf-8")
            outcome = run(
                [self._program, "-t", "-q", "-p", prefix, "-e", "stderr", "-c", f"{prefix}/nginx.conf"]
            )
            return Outcome(outcome.good, outcome.text.replace(f"{prefix}/", ""))

    def _lay_out(self, home: Path, sites: Sequence[str]) -> None:
        """Write the shared files, the sites' own and the certificates that these name."""
        shared = [
            name for name in self._files if name.split("/")[0] not in {"sites", "certificates", ".skulldns"}
        ]
        wanted = {*shared, *sites}
        texts = {name: self._moved(self._files[name].decode(), home) for name in wanted}
        for name in self._files:
            if name.startswith("certificates/") and any(f"{home}/{name};" in text for text in texts.values()):
                texts[name] = self._files[name].decode()
        for name, text in texts.items():
            path = home / name
            path.parent.mkdir(mode=0o700, exist_ok=True)
            path.touch(mode=0o600)
            path.write_text(text, encoding="utf-8")

    def _moved(self, text: str, home: Path) -> str:
        """The text with its paths and listening addresses below ``home``."""
        for place in (f"{self._directory}/current", f"{self._directory}/generations/{GENERATION}"):
            text = text.replace(place, str(home))
        return syntax.listening_elsewhere(text, str(home))


def _fault(outcome: Outcome, name: str) -> SkullDNSError:
    match = _NAMED.search(outcome.complaint)
    where = f"{name}:{match['line']}" if match and match["file"].endswith(name) else name
    what = _NAMED.sub("", outcome.complaint)
    return Refused(
        f"nginx refuses it: {what}", where=where, cure="correct the site's options or the template"
    )
