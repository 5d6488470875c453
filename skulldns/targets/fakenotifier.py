"""A notifier that tells nobody, for tests and trials."""

from skulldns.errors import SkullDNSError
from skulldns.model.notices import Delivery


class FakeNotifier:
    """Keeps what it was to tell; raises ``trouble`` while there is one."""

    def __init__(self) -> None:
        self.told: list[Delivery] = []
        self.tries = 0
        self.trouble: SkullDNSError | None = None

    def tell(self, delivery: Delivery) -> None:
        self.tries += 1
        if self.trouble is not None:
            raise self.trouble
        self.told.append(delivery)
