"""CLI: the verbs. Each lives in a module of its own, which is imported when the verb is used.

Law: prints and asks, decides nothing. Errors go to standard error, one line each; exit codes: 0 done,
1 failed, 2 usage or config error, 3 changes pending, 4 blocked by the guard.
"""

import errno
import gc
import importlib
import logging
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from skulldns.errors import ConfigError, SkullDNSError

CONFIG_FILES = (Path("skulldns.yaml"), Path("/etc/skulldns/skulldns.yaml"))
"""Where the config is looked for without ``--config``, in this order."""

_CHOSEN = "skulldns.config"
_INTERRUPTED = 130
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


@dataclass(frozen=True, slots=True)
class _Verb:
    """Where a verb's command object is, and its line in the help."""

    target: str
    help: str


_VERBS = {
    "init": _Verb("skulldns.cli.init:init", "Write a first config, zone file and key."),
    "check": _Verb("skulldns.cli.check:check", "Check the config and all zone files, without network."),
    "plan": _Verb("skulldns.cli.plan:plan", "Show what would change."),
    "apply": _Verb("skulldns.cli.plan:apply", "Make the planned changes."),
    "run": _Verb("skulldns.cli.run:run", "Run the daemon."),
    "web": _Verb("skulldns.cli.web:web", "Serve the members' page."),
    "status": _Verb("skulldns.cli.status:status", "Show sources, zones and names."),
    "why": _Verb("skulldns.cli.why:why", "Explain a name: each link from guest to answer."),
    "doctor": _Verb("skulldns.cli.doctor:doctor", "Look at everything once; what is ill, and the cure."),
    "metrics": _Verb("skulldns.cli.doctor:metrics", "Print the same in Prometheus' text format."),
    "guest": _Verb("skulldns.cli.guest:guest", "Look at guests, and assign owners and options to them."),
    "member": _Verb("skulldns.cli.member:member", "Invite members, suspend them, and look at them."),
    "claim": _Verb("skulldns.cli.claim:claim", "Claim names for members, and decide about claims."),
    "token": _Verb("skulldns.cli.token:token", "Make and revoke tokens for machines."),
    "cert": _Verb("skulldns.cli.cert:cert", "Look at certificates, renew and revoke them."),
    "zone": _Verb("skulldns.cli.zone:zone", "Look into zones, and move them in and out."),
    "ns": _Verb("skulldns.cli.ns:ns", "Configure name servers."),
    "db": _Verb("skulldns.cli.db:db", "Look into the database: who changed what."),
    "lab": _Verb("skulldns.cli.lab:lab", "Run a private installation on loopback."),
}


class Verbs(click.Group):
    """A group whose commands are imported when they are used, and whose errors are one line each."""

    def list_commands(self, _ctx: click.Context) -> list[str]:
        return list(_VERBS)

    def get_command(self, _ctx: click.Context, cmd_name: str) -> click.Command | None:
        verb = _VERBS.get(cmd_name)
        if verb is None:
            return None
        module, _, attribute = verb.target.partition(":")
        try:
            with no_collection():
                command: click.Command = getattr(importlib.import_module(module), attribute)
        except ModuleNotFoundError as error:
            raise click.ClickException(
                f"{cmd_name} needs the Python module {error.name}; install it"
            ) from None
        return command

    def format_commands(self, _ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, verb.help) for name, verb in _VERBS.items()])

    def main(self, *args: Any, standalone_mode: bool = True, **extra: Any) -> Any:
        if not standalone_mode:
            return super().main(*args, standalone_mode=False, **extra)  # type: ignore[call-overload]
        try:
            result = super().main(*args, standalone_mode=False, **extra)  # type: ignore[call-overload]
            code = result if isinstance(result, int) else 0
        except SkullDNSError as error:
            click.echo(str(error), err=True)
            code = 2 if isinstance(error, ConfigError) else 1
        except click.UsageError as error:
            _show_usage_error(error)
            code = error.exit_code
        except click.ClickException as error:
            click.echo(error.format_message(), err=True)
            code = error.exit_code
        except click.Abort:
            code = _INTERRUPTED
        except OSError as error:
            if error.errno not in _NO_ROOM:
                raise
            click.echo(
                f"the answer could not be written: {error.strerror}; make room, or send it elsewhere",
                err=True,
            )
            code = 1
        sys.exit(code)


@contextmanager
def no_collection() -> Iterator[None]:
    """Looking for cycles while modules are loaded and records made finds none, and takes a tenth of all the time.

    What was made is not looked at later either.
    """
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.freeze()
            gc.enable()


def _show_usage_error(error: click.UsageError) -> None:
    message = error.format_message()
    if "\n" in message:  # the help of a noun that lacks its verb
        error.show()
        return
    path = error.ctx.command_path if error.ctx else "skulldns"
    click.echo(f"{message.rstrip('.')}; see '{path} --help'", err=True)


def config_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a verb ``--config``, and its function the argument ``config``: the path of the config file.

    The option may also stand before the verb. Without it the default files are looked for; ``ConfigError``
    when there is none.
    """
    return click.option(
        "--config",
        type=click.Path(path_type=Path),
        callback=_config_path,
        help="The config file.  [default: ./skulldns.yaml, then /etc/skulldns/skulldns.yaml]",
    )(command)


def _config_path(ctx: click.Context, _param: click.Parameter, value: Path | None) -> Path | None:
    return None if ctx.resilient_parsing else find_config(ctx, value)


def find_config(ctx: click.Context, value: Path | None) -> Path:
    """The config file that ``--config`` names, before or after the verb, or the first default that exists.

    For verbs that need no config in every case; the others take ``config_option``. Raises ``ConfigError``.
    """
    chosen: Path | None = value or ctx.meta.get(_CHOSEN)
    if chosen is not None:
        return chosen
    for path in CONFIG_FILES:
        if path.exists():
            return path
    raise ConfigError(
        f"there is no {' or '.join(map(str, CONFIG_FILES))}",
        cure="run 'skulldns init', or name one with --config",
    )


@click.command("skulldns", cls=Verbs, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--config", type=click.Path(path_type=Path), help="The config file; may also follow the verb.")
@click.version_option(package_name="skulldns")
@click.pass_context
def main(ctx: click.Context, config: Path | None) -> None:
    """Creating a guest is enough: its name answers on both name servers."""
    # Only `run` logs; the other verbs say everything in their answer.
    logging.getLogger("skulldns").addHandler(logging.NullHandler())
    if config is not None:
        ctx.meta[_CHOSEN] = config


def program() -> None:
    """Run a verb as a process of its own.

    What it holds goes with the process: Python takes a while to free it piece by piece (mypy ends like that too).
    """
    try:
        main(prog_name="skulldns")
    except SystemExit as end:
        if isinstance(end.code, int) and threading.active_count() == 1:
            with suppress(OSError):  # what could not be written was reported where it was printed
                sys.stdout.flush()
            sys.stderr.flush()
            os._exit(end.code)
        raise
