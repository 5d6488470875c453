"""`skulldns lab`: a complete private installation on loopback, in one directory."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from skulldns.lab import Lab, LabInfo

_directory = click.option(
    "--dir",
    "directory",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("lab"),
    show_default=True,
    help="The lab's directory.",
)


@click.group()
def lab() -> None:
    """Run a private installation on loopback: name servers, a hypervisor, a CA, a proxy and the daemon."""


@lab.command()
@_directory
@click.option("--detach", is_flag=True, help="Return when it is ready; it runs until `lab down`.")
@click.option("--no-daemon", is_flag=True, help="Leave the daemon out; `lab start daemon` starts it later.")
@click.option("--no-https", is_flag=True, help="Leave out the CA, the proxy and the guests' web servers.")
@click.option("--no-page", is_flag=True, help="Leave out the members' page.")
def up(directory: Path, detach: bool, no_daemon: bool, no_https: bool, no_page: bool) -> None:
    """Start a lab; without --detach it runs until Ctrl-C."""
    from skulldns.lab import Lab
    from skulldns.lab.parts import HTTPS

    try:
        extra = [] if no_daemon or no_https else [*HTTPS]
        extra += [] if no_daemon or no_page else ["page"]
        started = Lab.up(directory, daemon=not no_daemon, extra=extra, detach=detach)
        if detach:
            _show(started.info, running=True)
            return
        with started:
            _show(started.info, running=True)
            click.echo("Ctrl-C ends it.")
            started.wait()
    except KeyboardInterrupt:
        click.echo("ended")


@lab.command()
@_directory
@click.option("--remove", is_flag=True, help="Remove what the lab wrote too, and its directory.")
def down(directory: Path, remove: bool) -> None:
    """End a lab, or clean up after a dead one."""
    from skulldns.lab import Lab

    Lab(directory).down(remove=remove)


@lab.command()
@_directory
@click.option("--json", "as_json", is_flag=True, help="Print lab.json with `running` added.")
def status(directory: Path, as_json: bool) -> None:
    """Show the parts of a lab and where they answer."""
    from skulldns.lab import Lab

    shown = Lab(directory)
    info, running = shown.info, shown.is_alive()
    if as_json:
        click.echo(json.dumps({**info.raw, "running": running}, indent=2))
    else:
        _show(info, running=running)


@lab.command()
@click.argument("part")
@_directory
def start(part: str, directory: Path) -> None:
    """Start one part: ns1, ns2, libvirtd, daemon, page and so on."""
    _living(directory).start(part)


@lab.command()
@click.argument("part")
@_directory
def stop(part: str, directory: Path) -> None:
    """Stop one part; the others go on."""
    _living(directory).stop(part)


@lab.group()
def guest() -> None:
    """Create, start, stop and destroy guests of the lab's hypervisor."""


@guest.command("create")
@click.argument("name")
@click.option("--owner", help="The member who owns it: a login.")
@_directory
def guest_create(name: str, owner: str | None, directory: Path) -> None:
    """Define a guest and start it."""
    _living(directory).guest(name).create(owner)


@guest.command("start")
@click.argument("name")
@_directory
def guest_start(name: str, directory: Path) -> None:
    """Start a defined guest."""
    _living(directory).guest(name).start()


@guest.command("stop")
@click.argument("name")
@_directory
def guest_stop(name: str, directory: Path) -> None:
    """Stop a guest; it stays defined."""
    _living(directory).guest(name).stop()


@guest.command("destroy")
@click.argument("name")
@_directory
def guest_destroy(name: str, directory: Path) -> None:
    """Stop a guest and undefine it."""
    _living(directory).guest(name).destroy()


@guest.command("list")
@_directory
def guest_list(directory: Path) -> None:
    """List the guests and their addresses."""
    known = _living(directory).guests()
    width = max((len(one.name) for one in known), default=0)
    for one in known:
        state = click.style("running", fg="green") if one.running else click.style("stopped", dim=True)
        click.echo(f"{one.name:{width}}  {state}  {', '.join(one.addresses)}".rstrip())


def _living(directory: Path) -> "Lab":
    from skulldns.lab import Lab

    return Lab.at(directory)


def _show(info: "LabInfo", *, running: bool) -> None:
    answers = {
        "ns1": f"{info.ns1.address} port {info.ns1.port}",
        "ns2": f"{info.ns2.address} port {info.ns2.port}",
        "libvirtd": info.libvirt_uri,
        "daemon": str(info.config),
        "page": f"{info.web.url}  login {info.web.login}, password in {info.web.password_file}",
    }
    state = click.style("running", fg="green") if running else click.style("dead", fg="red")
    click.echo(f"lab for {click.style(info.zone, bold=True)}: {state}")
    for part, pid in info.pid.items():
        shown = f"{pid:<8}" if pid and running else click.style(f"{'stopped':<8}", dim=True)
        click.echo(f"  {part:<10}  {shown}  {answers.get(part, info.directory)}")
