"""One roll-out: render, test apart, write, switch, test in place, reload, ask; and back where that fails."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from jinja2 import BaseLoader, Environment, StrictUndefined

from skulldns.errors import ConfigError, SkullDNSError, Unavailable
from skulldns.model.sites import Site
from skulldns.targets.nginx import certificates as pairs
from skulldns.targets.nginx.generations import Generations
from skulldns.targets.nginx.program import Commands, features, located, run
from skulldns.targets.nginx.running import Running
from skulldns.targets.nginx.trial import Trial
from skulldns.targets.proxy import CertificatePaths, Rollout
from skulldns.targets.vhost.checks import file_stem
from skulldns.targets.vhost.lastgood import last_good
from skulldns.targets.vhost.rendering import ENTRY, MAPS, Rendered, Renderer
from skulldns.targets.vhost.settings import GENERATION, Features, ProxySettings


class Nginx:
    """Keeps `skulldns.targets.proxy.Proxy` with a real nginx.

    ``patience`` is how many seconds nginx has to say that it runs a new generation; ``error_log`` is where it says why
    not. What the installed nginx can do is looked up at each roll-out, so that an upgrade is noticed.
    """

    def __init__(
        self,
        settings: ProxySettings,
        templates: BaseLoader,
        commands: Commands = Commands(),  # noqa: B008 - frozen
        error_log: Path | None = None,
        patience: float = 15.0,
    ) -> None:
        self._settings = settings
        self._loader = templates
        self._commands = commands
        self._patience = patience
        self._generations = Generations(Path(settings.directory))
        self._running = Running(settings.status, error_log)
        # A wrapper for tests, no HTML, and its only value is our own path.
        self._tests = Environment(loader=templates, undefined=StrictUndefined, cache_size=0)  # noqa: S701
        self._renderer = Renderer(settings, templates)
        self._program: tuple[int, int] | None = None
        self._found = settings.features

    def features(self) -> Features:
        """What the installed nginx can do. Raises ConfigError if there is none, or one that is too old."""
        return features(self._commands.program)

    def roll_out(self, sites: Sequence[Site], certificates: Mapping[str, CertificatePaths]) -> Rollout:
        self._generations.prepare()
        before = self._generations.current()
        old = self._generations.files(before) if before else {}
        usable, faults = pairs.gather(certificates, _certificates(old))
        rendered = self._rendered(sites, usable)
        files, quarantined = self._tried(rendered, usable, old, before)
        for title in quarantined:
            files |= last_good(title, rendered, old, files, self._settings)
        changed = _differing(_numbered(files, before), old)
        generation = before
        if generation is None or changed:
            generation = self._generations.next()
            self._generations.write(generation, _numbered(files, generation), before)
        self._bring_up(generation, before)
        return Rollout(generation, changed, quarantined, faults)

    def running_generation(self) -> int | None:
        return self._running.generation()

    def drift(self) -> Sequence[str]:
        current = self._generations.current()
        return self._generations.drift(current) if current else ()

    def _rendered(self, sites: Sequence[Site], usable: Mapping[str, bytes]) -> Rendered:
        found = self._features_now()
        if found != self._settings.features:
            self._settings = replace(self._settings, features=found)
            self._renderer = Renderer(self._settings, self._loader)
        return self._renderer.render(sites, usable.keys())

    def _features_now(self) -> Features:
        """The features, asked for again when there is another program."""
        program = Path(located(self._commands.program)).stat()
        if self._program != (program.st_ino, program.st_mtime_ns):
            self._found = self.features()
            self._program = (program.st_ino, program.st_mtime_ns)
        return self._found

    def _tried(
        self, rendered: Rendered, usable: Mapping[str, bytes], old: Mapping[str, bytes], before: int | None
    ) -> tuple[dict[str, bytes], dict[str, SkullDNSError]]:
        """All files that nginx takes, and why some sites are not among them. Only what changed is tested.

        New values in the maps are not: no site's own file could be at fault, and the whole is tested in its place.
        """
        files = {name: text.encode() for name, text in rendered.files.items()}
        files |= {f"certificates/{file_stem(identity)}.pem": content for identity, content in usable.items()}
        changed = _differing(_numbered(files, before), old)
        quarantined = dict(rendered.refused)
        if set(changed) - {MAPS}:
            suspects = [name for name in changed if name.startswith("sites/") and name in files]
            trial = Trial(self._commands.program, self._tests, Path(self._settings.directory), files)
            for name, fault in trial.faults(suspects).items():
                title = rendered.owners[name]
                quarantined[title] = fault
                for one in [file for file, owner in rendered.owners.items() if owner == title]:
                    del files[one]
        return files, dict(sorted(quarantined.items()))

    def _bring_up(self, generation: int, before: int | None) -> None:
        """Make nginx run a generation, or leave all as it was and say why."""
        if generation == before and self._running.runs(generation):
            return
        self._generations.switch(generation)
        tested = run(self._commands.test)
        if not tested.good:
            self._generations.switch(before)
            raise ConfigError(
                f"nginx refuses its configuration with the new files: {tested.complaint}",
                file=str(self._settings.current / ENTRY),
                cure=f"see `{' '.join(self._commands.test)}`",
            )
        log = self._running.end_of_log()
        reloaded = run(self._commands.reload)
        if reloaded.good and self._running.reaches(generation, log, self._patience):
            self._generations.prune()
            return
        self._give_up(generation, before, log, None if reloaded.good else reloaded.complaint)

    def _give_up(self, generation: int, before: int | None, log: int, complaint: str | None) -> None:
        """Say why nginx does not run a generation. Where none of ours runs, it stays for when nginx is started."""
        complaint = complaint or self._running.complaint_since(log)
        because = f": {complaint}" if complaint else ", and its error log does not say why"
        try:
            running = self._running.generation()
        except Unavailable as error:
            raise Unavailable(
                f"nginx does not run generation {generation}{because}", where=error.where, cure=error.cure
            ) from None
        self._generations.switch(before)
        raise Unavailable(
            f"nginx goes on with generation {running} instead of {generation}{because}",
            where=str(self._settings.status),
            cure="correct the cause; the files are as before, and it is tried again",
        )


def _certificates(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """The certificates among files, by the stems of their names."""
    directory, suffix = "certificates/", ".pem"
    return {
        name.removeprefix(directory).removesuffix(suffix): content
        for name, content in files.items()
        if name.startswith(directory)
    }


def _numbered(files: Mapping[str, bytes], generation: int | None) -> dict[str, bytes]:
    """The files with the number of their generation."""
    numbered = dict(files)
    numbered[ENTRY] = files[ENTRY].replace(GENERATION.encode(), str(generation).encode())
    return numbered


def _differing(new: Mapping[str, bytes], old: Mapping[str, bytes]) -> list[str]:
    """The names of files that are new, different or gone."""
    return sorted(name for name in new.keys() | old.keys() if new.get(name) != old.get(name))
