"""Guests of classic LXC: containers below one path, root's or another user's.

`source` keeps the contract; below it `monitor` and `directory` hear of changes, `tools` asks LXC's programs
(as whom: `account`), `configs` reads the containers' configs, `config` (pure) understands them, and `reader` puts
guests together.
"""

from skulldns.sources.lxc.limits import Limits, Pauses
from skulldns.sources.lxc.source import LxcSource

__all__ = ["Limits", "LxcSource", "Pauses"]
