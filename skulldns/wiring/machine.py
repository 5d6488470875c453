"""The machine that we run on: its disk, database and clock."""

import shutil
from pathlib import Path

from sqlalchemy import make_url

from skulldns.errors import Unavailable
from skulldns.loop.clock import Clock
from skulldns.loop.health import Machine
from skulldns.store.database import Database, check_writable
