"""What several test modules need, without a fixture."""

import os
import shutil

import pytest

# Servers live in sbin, which is not in the PATH of an ordinary user on Debian.
_SERVER_DIRECTORIES = ("/usr/local/sbin", "/usr/sbin", "/sbin")


def on_ci() -> bool:
    """Whether this is continuous integration, where everything must run."""
    return os.environ.get("CI") == "true"


def require(command: str, *, package: str) -> str:
    """Return the path of `command`; without it, skip the test, and on CI fail it.

    `package` is the Debian package that brings the command: it tells the reader of the summary the cure.
    """
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), *_SERVER_DIRECTORIES])
    found = shutil.which(command, path=path)
    if found is not None:
        return found
    reason = f"{command} (Debian package {package}) is not installed"
    if on_ci():
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason, allow_module_level=True)
