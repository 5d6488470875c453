"""The verdict on a zone's DNSSEC, from what its servers and its parent answer."""

import dns.dnssec
import pytest
from dns.rdatatype import DNSKEY, RRSIG, SOA

from skulldns.model.dnssec import Ds
from skulldns.model.outlook import Delegates, Outlook, Standing
from skulldns.model.records import rrset
from skulldns.plan.dnssec import judge
from tests.unit.outlookworld import DAY, NOW, ZONE, SigningKey, Zone, look, outlook, parent

KEY, OTHER = SigningKey(), SigningKey()
SIGNED = Zone([KEY])
_DELETE = "0 0 0 00"


def _ill(*arguments: object, now: float = NOW, **more: object) -> list[str]:
    found = judge(outlook(*arguments, **more), now).findings  # type: ignore[arg-type]  # as outlook takes them
    return [one.sentence for one in found if one.standing is Standing.ILL]


def test_an_unsigned_zone_is_no_fault() -> None:
    verdict = judge(outlook(Zone()), NOW)
    assert (verdict.signed, verdict.expires, verdict.ds, verdict.ready) == (False, None, Ds.NONE, ())
    assert [one.sentence for one in verdict.findings] == ["vmsrv.test: is not signed"]
    assert not verdict.urgent


def test_an_unsigned_zone_with_a_ds_is_refused_by_resolvers() -> None:
    verdict = judge(outlook(Zone(), above=parent([KEY.ds()])), NOW)
    assert verdict.urgent
    assert verdict.ds is Ds.WRONG
    assert "it is not signed, but the parent (198.51.100.1:53) has a DS" in verdict.findings[0].sentence


def test_a_zone_whose_ds_matches() -> None:
    verdict = judge(outlook(SIGNED, above=parent([KEY.ds()])), NOW)
    assert (verdict.signed, verdict.expires, verdict.ds) == (True, NOW + 4 * DAY, Ds.MATCHES)
    assert verdict.ready == (f"vmsrv.test. 3600 IN DS {KEY.ds()}",)
    [finding] = verdict.findings
    assert finding.what == f"is signed (key {KEY.tag}), and its parent's DS matches"


@pytest.mark.parametrize("kind", ["SHA1", "SHA384"])
def test_a_ds_of_another_digest_matches_too(kind: str) -> None:
    assert judge(outlook(SIGNED, above=parent([KEY.ds(kind)])), NOW).ds is Ds.MATCHES


def test_a_ds_with_an_unknown_digest_matches_nothing() -> None:
    unknown = f"{KEY.tag} 13 200 {'ab' * 32}"
    assert judge(outlook(SIGNED, above=parent([unknown])), NOW).ds is Ds.WRONG
    assert judge(outlook(SIGNED, above=parent([unknown, KEY.ds()])), NOW).ds is Ds.MATCHES


def test_a_parent_without_a_ds_gets_one() -> None:
    verdict = judge(outlook(SIGNED), NOW)
    assert verdict.ds is Ds.NONE
    assert not verdict.urgent
    assert verdict.findings[1].cure == "give it what `skulldns zone ds vmsrv.test` prints"
    assert {one.standing for one in verdict.findings} == {Standing.WELL}


def test_a_wrong_ds_is_urgent() -> None:
    verdict = judge(outlook(SIGNED, above=parent([OTHER.ds()])), NOW)
    assert (verdict.ds, verdict.urgent) == (Ds.WRONG, True)
    assert verdict.findings[0].what.startswith(
        f"the DS at the parent (198.51.100.1:53) (key {OTHER.tag}) matches none of its keys"
    )
    assert verdict.findings[0].cure


def test_a_ds_for_a_key_that_does_not_sign() -> None:
    zone = Zone([KEY, OTHER], signers=[KEY])
    verdict = judge(outlook(zone, above=parent([OTHER.ds()])), NOW)
    assert (verdict.ds, verdict.urgent) == (Ds.WRONG, True)
    assert "does not sign the zone's keys" in verdict.findings[0].what


def test_a_parent_that_was_not_asked() -> None:
    verdict = judge(outlook(SIGNED, parent=None, unasked="it is away; wait"), NOW)
    assert verdict.ds is Ds.UNKNOWN
    assert not verdict.urgent
    assert [one.standing for one in verdict.findings] == [Standing.WELL, Standing.UNKNOWN]
    assert verdict.findings[1].cure == "wait"
    hidden = judge(outlook(SIGNED, above=parent(delegates=Delegates.HIDDEN, known=False)), NOW)
    assert hidden.ds is Ds.UNKNOWN


def test_a_zone_that_has_no_parent() -> None:
    verdict = judge(outlook(SIGNED, parent=None, orphan=True), NOW)
    assert [one.what for one in verdict.findings] == [f"is signed (key {KEY.tag})"]


def test_nobody_answers() -> None:
    silent = judge(outlook(SIGNED, servers=(look(None), look(None, 2))), NOW)
    assert (silent.signed, silent.urgent) == (None, False)
    assert judge(outlook(SIGNED, servers=(look(None), look(SIGNED, 2))), NOW).signed


# ------------------------------------------------------------------------------------------ signatures


def test_a_signature_that_expired_on_one_server() -> None:
    old = Zone([KEY], ends=NOW - 3 * 3600)
    for servers in ((SIGNED, old), (old, SIGNED)):
        where = 54 if servers[1] is old else 53
        found = _ill(*servers, above=parent([KEY.ds()]))
        assert [one.partition(";")[0] for one in found] == [
            f"vmsrv.test: the signature of its {kind} on 192.0.2.{where}:53 expired 3 h ago"
            for kind in ("SOA", "DNSKEY")
        ]
    verdict = judge(outlook(SIGNED, old, above=parent([KEY.ds()])), NOW)
    assert verdict.expires == NOW - 3 * 3600
    assert verdict.urgent


@pytest.mark.parametrize(
    ("validity", "left", "alarm"),
    [
        (14 * DAY, 1.2 * DAY, False),  # Knot renews at a tenth and the TTL
        (14 * DAY, 1.1 * DAY, True),
        (365 * DAY, 3.1 * DAY, False),
        (365 * DAY, 2.9 * DAY, True),
        (3600, 360, False),
        (3600, 240, True),
    ],
)
def test_signatures_that_nobody_renews(validity: float, left: float, *, alarm: bool) -> None:
    zone = Zone([KEY], begins=NOW + left - validity, ends=NOW + left)
    found = _ill(zone, above=parent([KEY.ds()]))
    assert bool(found) == alarm
    assert all("and was not renewed" in one for one in found)


def test_a_signature_of_the_future() -> None:
    found = _ill(Zone([KEY], begins=NOW + 2 * DAY), above=parent([KEY.ds()]))
    assert "begins only in 2 days; set its clock and ours" in found[0]


def test_a_signature_by_nobody() -> None:
    zone = Zone([KEY], signers=[OTHER])
    assert "is not good by any key of the zone" in _ill(zone)[0]


def test_a_record_that_was_changed_after_signing() -> None:
    found = outlook(SIGNED, above=parent([KEY.ds()]))
    apex = found.servers[1].apex
    assert apex
    forged = "ns1.vmsrv.test. evil.vmsrv.test. 7 60 5 1209600 60"
    apex.rrsets[SOA] = rrset(ZONE, SOA, 60, [forged])  # type: ignore[index]  # a test forges it
    sentences = [one.sentence for one in judge(found, NOW).findings if one.standing is Standing.ILL]
    assert len(sentences) == 1
    assert "the signature of its SOA on 192.0.2.54:53 is not good" in sentences[0]


def test_a_secondary_without_signatures() -> None:
    assert "192.0.2.54:53 has no DNSKEY, while another of its servers has" in _ill(SIGNED, Zone())[0]
    assert "192.0.2.54:53 gives no signatures" in _ill(SIGNED, Zone([KEY], signers=[]))[0]


# ------------------------------------------------------------------------------------- CDS and CDNSKEY


def test_what_the_zone_asks_for_is_what_the_parent_should_have() -> None:
    zone = Zone([KEY, OTHER], cds=[KEY.ds("SHA384")])
    assert judge(outlook(zone), NOW).ready == (f"vmsrv.test. 3600 IN DS {KEY.ds('SHA384')}",)
    zone = Zone([KEY, OTHER], cdnskey=[OTHER.dnskey.to_text()])
    assert judge(outlook(zone), NOW).ready == (f"vmsrv.test. 3600 IN DS {OTHER.ds()}",)


def test_a_zone_with_two_kinds_of_keys_gives_the_entry_point() -> None:
    zone = Zone([KEY, SigningKey(256)])
    assert judge(outlook(zone), NOW).ready == (f"vmsrv.test. 3600 IN DS {KEY.ds()}",)


def test_a_key_that_is_being_rolled() -> None:
    zone = Zone([KEY, OTHER], cds=[OTHER.ds()], cdnskey=[OTHER.dnskey.to_text()])
    verdict = judge(outlook(zone, above=parent([KEY.ds()])), NOW)
    assert verdict.ds is Ds.MATCHES
    assert not verdict.urgent
    [finding] = [one for one in verdict.findings if one.standing is Standing.ILL]
    assert "asks for another DS" in finding.what
    assert _ill(Zone([KEY, OTHER], cds=[KEY.ds()]), above=parent([KEY.ds()])) == []
    assert _ill(Zone([KEY], cds=[KEY.ds("SHA384"), KEY.ds()]), above=parent([KEY.ds()])) == []


def test_a_zone_that_asks_for_no_ds() -> None:
    zone = Zone([KEY], cds=[_DELETE], cdnskey=["0 3 0 AA=="])
    [sentence] = _ill(zone, above=parent([KEY.ds()]))
    assert "to be deleted (RFC 8078); have the DS removed there" in sentence
    verdict = judge(outlook(zone), NOW)
    assert verdict.ready == ()
    assert [one.what for one in verdict.findings] == [f"is signed (key {KEY.tag}), and asks for no DS"]


@pytest.mark.parametrize("cds", [OTHER.ds(), _DELETE], ids=["of another key", "delete"])
def test_cds_and_cdnskey_that_differ(cds: str) -> None:
    zone = Zone([KEY, OTHER], cds=[cds], cdnskey=[KEY.dnskey.to_text()])
    assert any("its CDS and CDNSKEY name different keys" in one for one in _ill(zone))
    same = Zone([KEY, OTHER], cds=[KEY.ds()], cdnskey=[KEY.dnskey.to_text()])
    assert _ill(same) == []


def _with_key(text: str, signature: str) -> Outlook:
    """The zone with this key, which made the signatures."""
    found = outlook(SIGNED)
    for server in found.servers:
        assert server.apex
        key = rrset(ZONE, DNSKEY, 60, [text])
        algorithm, tag = text.split()[2], dns.dnssec.key_id(next(iter(key.data)))  # type: ignore[arg-type]
        server.apex.rrsets[DNSKEY] = key  # type: ignore[index]  # a test forges it
        for rdtype in (SOA, DNSKEY):
            ends = "20270201000000 20270101000000"
            made = f"{rdtype.name} {algorithm} 2 60 {ends} {tag} vmsrv.test. {signature}"
            server.apex.signatures[rdtype] = rrset(ZONE, RRSIG, 60, [made]).data  # type: ignore[index]
    return found


def test_signatures_that_we_cannot_check_count() -> None:
    verdict = judge(_with_key("257 3 200 AAAA", "AAAA"), NOW)
    assert (verdict.signed, verdict.urgent) == (True, False)


@pytest.mark.parametrize("algorithm", [8, 13, 15])
@pytest.mark.parametrize("key", ["AA==", "AwEAAQ==", "A" * 88])
def test_keys_that_cannot_be_read_sign_nothing(algorithm: int, key: str) -> None:
    assert judge(_with_key(f"257 3 {algorithm} {key}", "AAAA"), NOW).urgent


def test_a_private_algorithm_without_a_name_signs_nothing() -> None:
    found = _with_key("257 3 200 AwEAAQ==", "AAAA")
    for server in found.servers:
        assert server.apex
        server.apex.rrsets[DNSKEY] = rrset(ZONE, DNSKEY, 60, ["257 3 253 AwEAAQ=="])  # type: ignore[index]
    assert judge(found, NOW).urgent
