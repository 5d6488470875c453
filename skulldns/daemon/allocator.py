"""glibc's malloc, told what a process with many threads and a large zone needs (mallopt(3))."""

import ctypes

_MMAP_THRESHOLD, _ARENA_MAX = -3, -8
_LARGE = 128 * 1024
_ARENAS = 2


def give_back() -> None:
    """Have the system get back what is freed of large tables and buffers.

    By itself malloc maps ever fewer large blocks on their own, up to 32 MB, and gives each thread an arena; an arena
    keeps what it had at its peak, although that was needed once. Other C libraries have no such settings.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_MMAP_THRESHOLD, _LARGE)
        mallopt(_ARENA_MAX, _ARENAS)
