"""Serial number arithmetic for SOA serials (RFC 1982)."""

_MODULUS = 2**32


def advanced(base: int, serial: int) -> int:
    """How far ``serial`` is ahead of ``base``; negative when it is behind (RFC 1982 section 3.2)."""
    distance = (serial - base) % _MODULUS
    return distance if distance < _MODULUS // 2 else distance - _MODULUS


def reached(serial: int, target: int) -> bool:
    """Whether ``serial`` is ``target`` or later."""
    return advanced(target, serial) >= 0
