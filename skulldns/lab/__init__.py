"""The lab: a complete private installation on loopback, for `make run`, tests and trying things out.

Law of this room: everything a lab starts is a child of its one supervisor and dies with it; everything it
writes lies in its one directory (or in one private short directory beside it for unix sockets); it prints
nothing, needs no root and leaves the system's own servers alone.

A lab is a list of parts (`part.Part`, assembled in `parts`): a new part is one small module and one line
there.
"""

from skulldns.lab.info import LabInfo, Server, Tsig, Web
from skulldns.lab.lab import Lab

__all__ = ["Lab", "LabInfo", "Server", "Tsig", "Web"]
