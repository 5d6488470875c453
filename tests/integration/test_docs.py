"""What the docs show works: every ``sh`` block of README and docs is run, in order, in an empty directory."""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from skulldns.cli import main
from skulldns.lab import Lab

ROOT = Path(__file__).parents[2]
PAGES = sorted([ROOT / "README.md", *ROOT.glob("docs/*.md")])
_PATIENCE = 60


def _commands(page: Path) -> list[str]:
    blocks = re.findall(r"^ *```sh\n(.*?)^ *```", page.read_text(), re.DOTALL | re.MULTILINE)
    return [line.strip() for block in blocks for line in block.splitlines() if line.strip()]


@pytest.fixture
def directory(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Path]:
    """An empty directory; for pages that speak of a lab without starting one, with a lab in it."""
    page: Path = request.getfixturevalue("page")
    text = page.read_text()
    if "lab/skulldns.yaml" in text and "lab up" not in text:
        request.getfixturevalue("lab_programs")
        with Lab.up(tmp_path / "lab"):
            yield tmp_path
    else:
        yield tmp_path


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
@pytest.mark.usefixtures("lab_programs")
def test_every_command_shown_works(page: Path, directory: Path) -> None:
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    for command in _commands(page):
        done = subprocess.run(
            shlex.split(command),
            cwd=directory,
            env=environment,
            capture_output=True,
            text=True,
            timeout=_PATIENCE,
            check=False,
        )
        assert done.returncode == 0, f"{page.name}: {command}\n{done.stdout}{done.stderr}"


def test_readme_has_commands_to_run() -> None:
    assert len(_commands(ROOT / "README.md")) > 5


def test_readme_lists_every_verb() -> None:
    table = "\n".join(
        line for line in (ROOT / "README.md").read_text().splitlines() if line.startswith("| `")
    )
    verbs = main.list_commands(click.Context(main))
    assert [verb for verb in verbs if verb not in table] == []


@pytest.mark.usefixtures("lab_programs")
def test_nginx_takes_the_settings_that_the_members_guide_shows(tmp_path: Path) -> None:
    [shown] = re.findall(
        r"^```nginx\n(.*?)^```", (ROOT / "docs/members.md").read_text(), re.DOTALL | re.MULTILINE
    )
    here = shown.replace("listen 80;", f"listen unix:{tmp_path}/socket;")
    assert here != shown
    settings = tmp_path / "nginx.conf"
    logs = f"pid {tmp_path}/pid;\nerror_log {tmp_path}/error.log;\n"
    settings.write_text(f"{logs}events {{}}\nhttp {{\naccess_log off;\n{here}}}\n")
    command = ["nginx", "-t", "-e", str(tmp_path / "error.log"), "-c", str(settings)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=_PATIENCE, check=False)
    assert done.returncode == 0, done.stderr


def test_links_in_the_docs_lead_somewhere() -> None:
    for page in PAGES:
        for target in re.findall(r"\]\(([^)#]+)\)", page.read_text()):
            if "://" not in target:
                assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_make_targets_that_the_readme_shows_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    shown = set(re.findall(r"(?:^    |`)make ([a-z-]+)", (ROOT / "README.md").read_text(), re.MULTILINE))
    assert shown
    assert shown <= targets
