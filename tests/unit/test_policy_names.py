"""Which names a member may have."""

from dataclasses import replace

import dns.name
import pytest
from dns.name import Name
from hypothesis import given
from hypothesis import strategies as st

from skulldns.desired.policy.alike import shown_name, skeleton
from skulldns.desired.policy.claims import judge_claim
from skulldns.desired.policy.hostnames import hostname
from skulldns.desired.policy.rules import Rules
from skulldns.desired.policy.states import Step
from skulldns.errors import Refused
from skulldns.model.claims import AddressTarget, Claim, ClaimId, ClaimState, Surroundings
from skulldns.model.guests import GuestId
from skulldns.model.policy import Approval
from skulldns.model.views import HeldName

ZONE = dns.name.from_text("vmsrv.example.org.")
RULES = Rules(
    zones=(ZONE,),
    own_zones=(ZONE, dns.name.from_text("ops.example.net."), dns.name.from_text("2.0.192.in-addr.arpa.")),
    page=dns.name.from_text("names.club.test."),
    reserved=("hv", "lab*"),
)

_ONE_LANGUAGE = "write it in small letters and digits of one language"


def name(text: str) -> Name:
    return dns.name.from_text(text, ZONE)


def held_claim(text: str, member: str, state: ClaimState = ClaimState.ACTIVE) -> Claim:
    where = name(text)
    return Claim(
        ClaimId("1"), where, member, state, AddressTarget(), 0, 0, 0, until=86_400.0, skeleton=skeleton(where)
    )


def judge(text: str, around: Surroundings = Surroundings(), rules: Rules = RULES) -> Step:  # noqa: B008 - frozen
    """Judge a name as typed; `~` stands for the zone."""
    return judge_claim(hostname(text.replace("~", ZONE.to_text()), rules), "alice", around, rules)


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("wiki", "wiki.vmsrv.example.org."),
        ("WIKI", "wiki.vmsrv.example.org."),
        ("wiki.vmsrv.example.org.", "wiki.vmsrv.example.org."),
        ("a" * 63, "a" * 63 + ".vmsrv.example.org."),
        ("42", "42.vmsrv.example.org."),
        ("faß", "xn--fa-hia.vmsrv.example.org."),
        ("Bücher", "xn--bcher-kva.vmsrv.example.org."),
        ("вики", "xn--b1amah.vmsrv.example.org."),
        ("日本カフェ", "xn--hckh0kw77tzlb.vmsrv.example.org."),
        ("shop.member.test", "shop.member.test."),
    ],
)
def test_what_is_typed_becomes_a_name(typed: str, found: str) -> None:
    assert hostname(typed, RULES) == dns.name.from_text(found)


@pytest.mark.parametrize(
    "typed",
    [
        *(
            "",
            ".",
            "..",
            "a..b",
            ".a",
            "-a",
            "a-",
            "a" * 64,
            "a b",
            " a",
            "a\n",
            "wiki\r\nSet-Cookie: x",
            "a\x00b",
        ),
        *("_acme-challenge", "_x.a", "*", "a.*.b", "xn--a", "xn--80ak6aa92e", "ab--cd", "a_b"),
        *(
            "wіki",
            "раypal",
            "ｗｉｋｉ",
            "wi\u200dki",
            "wi\u200cki",
            "wiki。example",
            "\u200fwiki",
            "wi\u00adki",
        ),
        *(
            "1.2.3.4",
            "::1",
            "[::1]",
            "x.1",
            "../../etc",
            "a; return 200 x;",
            "a} server {",
            "$host",
            "{{config}}",
        ),
        *("~^.*$", "a # x", "a\\", 'a"b', "$(reboot)", "😀", "K".replace("K", "\u212a") + "iwi", "a" * 5000),
        ".".join(["a" * 49] * 6),
    ],
)
def test_what_cannot_be_a_host_name_is_refused(typed: str) -> None:
    with pytest.raises(Refused) as refused:
        hostname(typed, RULES)
    assert refused.value.cure
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    "typed", ["ᴄʟᴜʙ", "cʟub", "ᴘɪxɪᴇ", "ꜱᴄᴏᴘᴇ", "ʀadio", "wɪki", "ƨhop", "ɡʟue", "ꝺoor", "ɐpple", "ʘ"]
)
def test_letters_that_no_language_is_written_with_are_refused(typed: str) -> None:
    with pytest.raises(Refused, match="letters of no language"):
        hostname(typed, RULES)


@pytest.mark.parametrize(
    "typed",
    ["żółw", "đakovo", "rød", "þing", "ħobż", "ŋgo", "ɗan", "ƙasa", "œuvre", "əlifba", "ıspanak", "tiếng"],
)
def test_letters_of_living_languages_are_fine(typed: str) -> None:
    assert shown_name(hostname(typed, RULES)) == f"{typed}.vmsrv.example.org"


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("wіki", "'wіki' mixes letters of several scripts: і is Cyrillic; use the letters of one language"),
        ("аррӏе", "'аррӏе' looks like 'appie' and is not: its letters are Cyrillic; use another name"),
        ("cʟub", "'cʟub' has letters of no language: ʟ; write club"),
        (
            "wiki😀",
            "'wiki😀' has letters that host names cannot have (IDNA 2008): 😀; " + _ONE_LANGUAGE,
        ),
        (
            "\u202ewiki",
            "'\\u202ewiki' has letters that host names cannot have (IDNA 2008): U+202E; " + _ONE_LANGUAGE,
        ),
    ],
)
def test_a_refusal_shows_the_letters_and_says_which_are_foreign(typed: str, said: str) -> None:
    with pytest.raises(Refused) as refused:
        hostname(typed, RULES)
    assert str(refused.value) == said


def test_a_name_of_253_characters_fits_and_one_of_254_does_not() -> None:
    fits = ".".join(["a" * 61] * 4 + ["b.cd"])
    assert len(fits) == 252
    hostname(fits + "e", RULES)
    with pytest.raises(Refused, match="too long"):
        hostname(fits + "ef", RULES)


@given(st.text(max_size=80))
def test_any_text_is_a_name_or_refused_and_a_name_stays_the_same(text: str) -> None:
    try:
        found = hostname(text, RULES)
    except Refused:
        return
    again = found.to_text()
    assert hostname(again, RULES) == found
    assert hostname(shown_name(found) + ".", RULES) == found
    assert again == again.lower()
    assert set(again) <= set("abcdefghijklmnopqrstuvwxyz0123456789-.")


@pytest.mark.parametrize(
    "typed",
    [
        *(
            "wpad",
            "WPAD",
            "ns1",
            "ns",
            "isatap",
            "localhost",
            "www",
            "admin-panel",
            "mta-sts",
            "mtasts",
            "l0gin",
            "1ogin",
        ),
        *("www1", "imap4", "smtp-out", "hypervisor2"),
        *("adrnin", "rnail", "auto-discover", "hv", "lab-7", "wpad.wiki.~"),
        "vmsrv.example.org",
    ],
)
def test_a_reserved_name_is_refused(typed: str) -> None:
    with pytest.raises(Refused):
        judge(typed)


@pytest.mark.parametrize("typed", ["wiki", "www.wiki.~", "mail.wiki.~", "north"])
def test_a_free_name_is_granted(typed: str) -> None:
    assert judge(typed) is Step.GRANTED


@pytest.mark.parametrize(
    "typed",
    [
        *(
            "com.",
            "co.uk",
            "github.io",
            "test.",
            "example.org",
            "org.",
            "example.net",
            "host.localhost",
            "printer.local",
        ),
        *("x.onion", "8.8.8.8.in-addr.arpa", "names.club.test", "x.names.club.test", "club.test"),
        *("a.ops.example.net", "5.2.0.192.in-addr.arpa"),
    ],
)
def test_a_domain_that_is_nobodys_to_bring_is_refused(typed: str) -> None:
    with pytest.raises(Refused):
        judge(typed)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("sub.notes", "sub.notes.vmsrv.example.org"),
        ("my.house.shop2", "my.house.shop2.vmsrv.example.org"),
        ("вики.слово", "вики.слово.vmsrv.example.org"),
        ("notes.", "notes.vmsrv.example.org"),
    ],
)
def test_what_has_no_top_level_domain_was_meant_in_our_zone(typed: str, meant: str) -> None:
    with pytest.raises(Refused, match="is no top-level domain") as refused:
        judge(typed)
    assert refused.value.cure == f"did you mean {meant}?"


def test_a_domain_beside_our_own_needs_no_public_top_level_domain() -> None:
    inside = replace(RULES, zones=(dns.name.from_text("vms.firm.lan."),))
    assert judge("shop.member.lan", rules=inside) is Step.PUT_UP_FOR_PROOF
    with pytest.raises(Refused, match="is no top-level domain"):
        judge("shop.member.lan")


@pytest.mark.parametrize("typed", ["member.test", "www.member.co.uk", "me.github.io", "other.example.org"])
def test_a_domain_of_ones_own_awaits_its_proof(typed: str) -> None:
    assert judge(typed) is Step.PUT_UP_FOR_PROOF
    with pytest.raises(Refused, match="none of our zones"):
        judge(typed, rules=replace(RULES, domains=False))


def test_policy_may_want_an_admins_approval() -> None:
    assert judge("wiki", rules=replace(RULES, approval=Approval.ALL)) is Step.PUT_UP_FOR_APPROVAL


def test_the_quota_counts_and_a_members_own_goes_first() -> None:
    judge("wiki", Surroundings(count=4))
    with pytest.raises(Refused, match="5 names of 5"):
        judge("wiki", Surroundings(count=5))
    judge("wiki", Surroundings(count=5, quota=6))
    with pytest.raises(Refused, match="0 names of 0"):
        judge("wiki", Surroundings(quota=0))


def test_who_claims_and_releases_in_turn_keeps_few_names_from_others() -> None:
    judge("wiki", Surroundings(count=4, resting=9))
    with pytest.raises(Refused, match="10 names that you released"):
        judge("wiki", Surroundings(resting=10))
    judge("wiki", Surroundings(resting=11, quota=6))
    own = held_claim("wiki", "alice", ClaimState.QUARANTINED)
    judge("wiki", Surroundings(at=(own,), resting=10))


@pytest.mark.parametrize("state", [state for state in ClaimState if state.holds])
def test_a_name_that_another_holds_is_refused_without_saying_who(state: ClaimState) -> None:
    with pytest.raises(Refused) as refused:
        judge("wiki", Surroundings(at=(held_claim("wiki", "bob", state),)))
    assert "bob" not in str(refused.value)


def test_a_released_name_is_free_again_for_its_former_holder_only() -> None:
    around = Surroundings(at=(held_claim("wiki", "alice", ClaimState.QUARANTINED),))
    assert judge("wiki", around) is Step.GRANTED
    with pytest.raises(Refused, match="free on 1970-01-02"):
        judge_claim(name("wiki"), "bob", around, RULES)


def test_who_awaits_a_proof_keeps_nobody_from_a_domain() -> None:
    squatter = held_claim("member.test.", "bob", ClaimState.AWAITING_PROOF)
    assert judge("member.test", Surroundings(at=(squatter,))) is Step.PUT_UP_FOR_PROOF
    with pytest.raises(Refused, match="already"):
        judge("member.test", Surroundings(at=(replace(squatter, member="alice"),)))


@pytest.mark.parametrize(
    ("near", "other"),
    [("above", "wiki"), ("below", "x.a.wiki"), ("alike", "a-wiki")],
    ids=["child", "parent", "alike"],
)
def test_a_name_near_anothers_is_refused_and_near_ones_own_is_not(near: str, other: str) -> None:
    for member, granted in (("alice", True), ("bob", False)):
        around = Surroundings(**{near: (held_claim(other, member),)})  # type: ignore[arg-type]
        if granted:
            judge("a.wiki.~", around)
        else:
            with pytest.raises(Refused, match="another's"):
                judge("a.wiki.~", around)


@pytest.mark.parametrize(
    ("held", "owner", "free"),
    [
        ("a.wiki", "alice", False),
        ("a.wiki", None, False),
        ("wiki", "alice", True),
        ("wiki", "bob", False),
        ("wiki", None, False),
        ("x.a.wiki", "bob", False),
        ("a.w-iki", "bob", False),
        ("a.w-iki", "alice", True),
        ("vmsrv.example.org.", None, True),
    ],
)
def test_names_of_guests_and_zone_files_count(held: str, owner: str | None, free: bool) -> None:  # noqa: FBT001 - a table
    around = Surroundings(held=(HeldName(name(held), "the guest web", owner, GuestId("g")),))
    if free:
        assert judge("a.wiki.~", around) is Step.GRANTED
    else:
        with pytest.raises(Refused):
            judge("a.wiki.~", around)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("wiki", "w-iki"),
        ("loo", "l00"),
        ("modern", "modem"),
        ("café", "cafe"),
        ("wvw", "vvvw"),
        ("10", "lo"),
        ("rød", "rod"),
        ("hawaiʻi", "hawaii"),
        ("wikiˈ", "wiki"),
    ],
)
def test_names_that_look_alike_have_one_skeleton(one: str, other: str) -> None:
    assert skeleton(hostname(one, RULES)) == skeleton(hostname(other, RULES))


def test_other_names_have_other_skeletons() -> None:
    names = [hostname(text, RULES) for text in ("wiki", "wika", "вики", "faß", "shop", "wiki2")]
    assert len({skeleton(one) for one in names}) == len(names)


def test_what_admins_reserve_on_the_page_counts() -> None:
    with pytest.raises(Refused, match="reserved"):
        judge("party", Surroundings(reserved=("party",)))
