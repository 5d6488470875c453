"""How often machines may ask."""

from webui.limits import Limiter, Rate

RATE = Rate(burst=12, per_second=2.0)


def allowed(limiter: Limiter, key: str, now: float, tries: int = 100) -> int:
    return sum(limiter.wait(key, RATE, now) == 0 for _ in range(tries))


def test_so_many_at_once_and_then_so_many_a_second() -> None:
    limiter = Limiter()
    assert allowed(limiter, "a", 0.0) == 12
    assert limiter.wait("a", RATE, 0.0) == 0.5
    assert allowed(limiter, "b", 0.0) == 12
    assert allowed(limiter, "a", 3.0) == 6
    assert allowed(limiter, "a", 1000.0) == 12


def test_several_processes_together_keep_the_rate() -> None:
    processes = [Limiter(4) for _ in range(4)]
    assert sum(allowed(one, "a", 0.0) for one in processes) == 12
    assert sum(allowed(one, "a", 4.0) for one in processes) == 8


def test_of_very_many_processes_each_lets_one_through() -> None:
    limiter = Limiter(64)
    assert allowed(limiter, "a", 0.0) == 1
    assert limiter.wait("a", RATE, 0.0) == 32.0
