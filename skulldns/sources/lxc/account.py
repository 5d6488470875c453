"""As whom LXC's programs run: as the user whose containers they are.

liblxc does what a container's config says already when it reads it: it opens the file that `lxc.log.file` names, and
includes others. So root never reads with LXC's programs what another user wrote. They also meet their like only as
this user: lxc-monitord refuses others, and its FIFO is in the user's own directory (lxc-monitord(8)).
"""

import os
import pwd
from collections.abc import Mapping, Sequence
from pathlib import Path

_ROOT = 0


def as_their_user(path: Path, me: int, environment: Mapping[str, str] = os.environ) -> Sequence[str]:
    """Return what to write before LXC's programs for the containers below ``path``, when run by user ``me``.

    Only root can become another. Root's own containers need nothing.
    """
    if me != _ROOT:
        own = _runtime_directory(me)
        return ("env", *own) if own and "XDG_RUNTIME_DIR" not in environment else ()
    user = first_user(path)
    return () if user == _ROOT else _become(user, environment)


def first_user(path: Path) -> int:
    """Return the first owner but root of a directory on the way to ``path``, root if there is no other.

    Who has that directory decides what is below it, so a link or a directory of root's there changes nothing.
    """
    for directory in (*reversed(path.absolute().parents), path):
        try:
            owner = directory.stat().st_uid
        except OSError:
            break
        if owner != _ROOT:
            return owner
    return _ROOT


def _become(user: int, environment: Mapping[str, str]) -> Sequence[str]:
    """Become the user, without root's environment: it would be read from the process by this user."""
    try:
        account = pwd.getpwuid(user)
        group, home = account.pw_gid, account.pw_dir
    except KeyError:
        group, home = user, "/"
    plain = (f"PATH={environment.get('PATH', os.defpath)}", "LC_ALL=C.UTF-8", f"HOME={home}")
    rights = (f"--reuid={user}", f"--regid={group}", "--clear-groups", "--inh-caps=-all", "--no-new-privs")
    # Becoming another clears the signal that was set before (prctl(2), PR_SET_PDEATHSIG).
    mortal = ("--pdeathsig", "KILL")
    return "env", "-i", *plain, *_runtime_directory(user), "setpriv", *rights, *mortal, "--"


def _runtime_directory(user: int) -> Sequence[str]:
    """Return the setting by which liblxc finds the user's locks and FIFOs; without it they are below HOME."""
    directory = Path("/run/user", str(user))
    return (f"XDG_RUNTIME_DIR={directory}",) if directory.is_dir() else ()
