"""A page for each test, over a copy of one database and with one application: both are made once in a process."""

import shutil
from pathlib import Path

import pytest

from skulldns.store.database import open_database
from skulldns.store.office import Office
from tests.unit.deskworld import database
from tests.webworld import SETTINGS, Clock, Page, page
from webui.app import World
from webui.context import KEY
from webui.desk import Desk


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Page, Path]:
    """The page of alice, bob and the admin carol, and the directory of its database."""
    directory = tmp_path_factory.mktemp("made")
    return page(directory), directory


@pytest.fixture
def world(made: tuple[Page, Path], tmp_path: Path) -> Page:
    """The page of alice, bob and the admin carol, as new."""
    first, directory = made
    for file in directory.glob("skulldns.db*"):
        shutil.copy(file, tmp_path)
    place, clock = Desk(Office(open_database(database(tmp_path))), first.desk.rules), Clock()
    first.app.extensions[KEY] = World(place, SETTINGS, clock)
    return Page(first.app, place, clock)
