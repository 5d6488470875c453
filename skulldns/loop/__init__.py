"""One pass: read, decide, compare, write. The law of this room: it knows protocols only and decides nothing.

The way of a guest's name through it:

* ``looker``: an event wakes the source's looker; it looks at that guest and delivers an observation;
* ``engine``: keeps what is known, asks ``desired`` for the decisions at the names that are touched, and hands
  each to the publisher of its zone;
* ``publisher``: compares with what the primary serves and with the ledger, lets the guard judge, writes the
  intent down, sends the UPDATE, reads back;
* ``follower``: notifies a secondary, waits until it has the serial, and reads back there.

Each is a worker with a mailbox that works in steps; ``wiring`` gives it a thread. A slow source or server keeps
only its own worker waiting.
"""
