"""What can be wrong with an answer, beside the ``dns.exception.DNSException`` of dnspython."""


class BadAnswer(Exception):
    """An answer is malformed, or is none to what was asked; the text says how."""


class UnsignedAnswer(BadAnswer):
    """The answer to a signed request has no TSIG where it must have one."""


class WrongClock(BadAnswer):
    """The server refuses our time (BADTIME); ``ahead`` is by how many seconds its clock is ahead of ours."""

    def __init__(self, ahead: int) -> None:
        super().__init__(ahead)
        self.ahead = ahead
