"""What may be used once only, remembered as long as it would be good, in this process's memory."""

import threading


class UsedOnce:
    """Remembers identities for ``lasts`` seconds. May be used by many threads."""

    def __init__(self, lasts: float) -> None:
        self._lasts = lasts
        self._lock = threading.Lock()
        self._seen: dict[str, float] = {}

    def use(self, identity: str, now: float) -> bool:
        """Whether it is used for the first time; from now on it was."""
        with self._lock:
            for old, at in list(self._seen.items()):
                if now - at <= self._lasts:
                    break  # the newest are last
                del self._seen[old]
            if identity in self._seen:
                return False
            self._seen[identity] = now
            return True
