from skulldns.cli.text import few, short


def test_a_long_text_is_cut_and_says_so() -> None:
    assert short("x" * 600, 600) == "x" * 600
    assert short("x" * 1000 + "why", 600) == "x" * 600 + "… (403 more characters)"
    assert short("x" * 1000 + "why", 600, 3) == "x" * 597 + "… (403 more characters) …why"


def test_of_many_and_long_values_a_few_lines_are_shown() -> None:
    assert few(["192.0.2.1", "192.0.2.2"]) == "192.0.2.1\n192.0.2.2"
    assert few([str(number) for number in range(500)]).splitlines() == ["0", "1", "2", "3", "… and 496 more"]
    assert few(["k" * 300]) == "k" * 60 + "… (240 more characters)"
    assert few(["a\x1b[31m"]) == r"a\x1b[31m"
