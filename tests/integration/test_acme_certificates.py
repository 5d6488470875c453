"""From a wish to a certificate on the disk and to its renewal: the certifier with a real CA and real name servers."""

import threading
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import dns.name
import pytest
from cryptography import x509
from dns.rdatatype import CAA, CNAME, NS, TXT, A

from skulldns.lab import Lab
from skulldns.loop.certifier import Renew
from skulldns.model.certificates import Challenge, KeyPair
from skulldns.model.records import rrset
from skulldns.targets.acme.fake import FakeAuthority, Spoiled
from skulldns.targets.certificates.inspection import check
from tests.acme_faults import FaultyCa, problem
from tests.integration.office import Pebble, RealOffice, Time, authority, wish

ANY_SKEW = 1e12
DAY = 86_400.0


@pytest.fixture
def time_() -> Time:
    return Time()


@pytest.fixture
def office(certifying: Lab, faulty: FaultyCa, tmp_path: Path, time_: Time) -> Iterator[RealOffice]:
    ca = authority(certifying, tmp_path / "account", faulty.directory, time_, skew=ANY_SKEW, timeout=5)
    found = RealOffice(certifying, tmp_path, ca, time_=time_)
    yield found
    found.close()


@pytest.fixture
def by_hand(office: RealOffice) -> Iterator[Callable[..., None]]:
    """Put records into the zone as somebody else, until the test ends."""
    placed = []

    def put(name: str, rdtype: object, *values: str) -> None:
        record = rrset(dns.name.from_text(name), rdtype, 60, values)  # type: ignore[arg-type]
        office.servers.primary.add(record)
        placed.append(record)

    yield put
    for record in placed:
        office.servers.primary.remove(record)


def issued(office: RealOffice, identity: str, count: int = 1) -> Callable[[], bool]:
    return lambda: office.issued.count(identity) >= count


def tried(office: RealOffice, identity: str) -> Callable[[], bool]:
    return lambda: office.report(identity).reason is not None


def served(office: RealOffice, identity: str) -> KeyPair:
    chain, key = office.files.paths(identity)
    return KeyPair(chain.read_bytes(), key.read_bytes())


# ------------------------------------------------------------------------------------------ DNS-01


def test_the_wildcard_of_a_zone(office: RealOffice, certifying: Lab, time_: Time) -> None:
    wanted = wish("vmsrv.test", "vmsrv.test", "*.vmsrv.test")
    office.want(wanted)
    office.work_until(issued(office, "vmsrv.test"), "the certificate")
    pair = served(office, "vmsrv.test")
    assert check(pair, wanted.names, time_.wall()).names == set(wanted.names)
    last = x509.load_pem_x509_certificates(pair.chain)[-1]
    roots = x509.load_pem_x509_certificates(Path(certifying.info.raw["acme"]["root"]).read_bytes())
    assert last.issuer in [root.subject for root in roots]
    assert office.proofs_at(office.zone) == []
    assert office.placed.placed() == []


def test_no_order_is_made_while_a_secondary_is_away(
    office: RealOffice, certifying: Lab, faulty: FaultyCa
) -> None:
    certifying.stop("ns2")
    try:
        office.want(wish("a.vmsrv.test"))
        office.work_until(tried(office, "a.vmsrv.test"), "the try")
        assert faulty.orders == []
        assert str(certifying.info.ns2.port) in str(office.report("a.vmsrv.test").reason)
    finally:
        certifying.start("ns2")
    office.time.later += 61
    office.work_until(issued(office, "a.vmsrv.test"), "the certificate")


def test_a_stranger_s_value_beside_ours_stays(office: RealOffice, by_hand: Callable[..., None]) -> None:
    by_hand("_acme-challenge.b.vmsrv.test", TXT, '"somebody-else-s"')
    office.want(wish("b.vmsrv.test"))
    office.work_until(issued(office, "b.vmsrv.test"), "the certificate")
    assert office.proofs_at(dns.name.from_text("b.vmsrv.test")) == ['"somebody-else-s"']


def test_an_alias_in_the_way_is_told(office: RealOffice, by_hand: Callable[..., None]) -> None:
    by_hand("_acme-challenge.c.vmsrv.test", CNAME, "elsewhere.test.")
    office.want(wish("c.vmsrv.test"))
    office.work_until(tried(office, "c.vmsrv.test"), "the try")
    assert "is an alias, so nothing else can stand there" in str(office.report("c.vmsrv.test").reason)


def test_what_a_crash_left_is_removed_at_the_next_start(office: RealOffice, faulty: FaultyCa) -> None:
    faulty.fail("authZ", problem("serverInternal", status=500))
    name = dns.name.from_text("d.vmsrv.test")
    office.placed.remember(dns.name.from_text("_acme-challenge", name), "left-by-a-crash")
    office.servers.primary.add(
        rrset(dns.name.from_text("_acme-challenge", name), TXT, 10, ['"left-by-a-crash"', '"not-ours"'])
    )
    office.begin()
    office.work_until(lambda: not office.placed.placed(), "the removal")
    assert office.proofs_at(name) == ['"not-ours"']


def test_a_process_that_dies_in_mid_order_leaves_a_note_of_what_it_placed(office: RealOffice) -> None:
    office.want(wish("e.vmsrv.test"))
    office.work_until(lambda: bool(office.placed.placed()), "the TXT record")
    name = dns.name.from_text("e.vmsrv.test")
    office.certifier._jobs.clear()  # what a killed process would have done after this, it does not do
    office.begin()
    office.want(wish("e.vmsrv.test"))
    office.work_until(lambda: not office.placed.placed(), "the removal")
    assert office.proofs_at(name) == []


# ----------------------------------------------------------------------------------------- HTTP-01


@pytest.fixture
def web(office: RealOffice, certifying: Lab, tmp_path: Path) -> Iterator[list[str]]:
    """What the proxy will do: serve the directory of tokens. Returns the paths that were asked for."""
    asked: list[str] = []

    class Handler(SimpleHTTPRequestHandler):
        def translate_path(self, path: str) -> str:
            asked.append(path)
            return str(office.tokens / path.removeprefix("/.well-known/acme-challenge/"))

        def log_message(self, *_: object) -> None:
            """Keep the test's output clean."""

    where = ("127.0.0.1", certifying.info.raw["acme"]["http_port"])
    with ThreadingHTTPServer(where, partial(Handler, directory=str(tmp_path))) as server:
        thread = threading.Thread(target=partial(server.serve_forever, poll_interval=0.05))
        thread.start()
        yield asked
        server.shutdown()
        thread.join()


def test_a_name_is_proved_by_http(office: RealOffice, web: list[str], by_hand: Callable[..., None]) -> None:
    by_hand("f.vmsrv.test", A, "127.0.0.1")
    office.want(wish("f.vmsrv.test", kind=Challenge.HTTP01))
    office.work_until(issued(office, "f.vmsrv.test"), "the certificate")
    assert web
    assert list(office.tokens.iterdir()) == []


def test_a_failed_validation_is_told_and_counted(office: RealOffice, by_hand: Callable[..., None]) -> None:
    by_hand("g.vmsrv.test", A, "127.0.0.1")  # where nobody listens
    office.want(wish("g.vmsrv.test", kind=Challenge.HTTP01))
    office.work_until(tried(office, "g.vmsrv.test"), "the try")
    assert "g.vmsrv.test could not be validated" in str(office.report("g.vmsrv.test").reason)
    assert office.report("g.vmsrv.test").failures == 1


# -------------------------------------------------------------------------------------------- CAA


def test_caa_forbids_before_the_ca_is_asked(
    office: RealOffice, faulty: FaultyCa, by_hand: Callable[..., None]
) -> None:
    by_hand("h.vmsrv.test", CAA, '0 issue ";"')
    office.want(wish("www.h.vmsrv.test"))
    office.work_until(tried(office, "www.h.vmsrv.test"), "the try")
    assert "CAA records for www.h.vmsrv.test allow only ;" in str(office.report("www.h.vmsrv.test").reason)
    assert faulty.orders == []


# ----------------------------------------------------------------------------- faults and renewal


def test_twenty_starts_in_a_row_order_nothing(office: RealOffice, faulty: FaultyCa) -> None:
    office.want(wish("i.vmsrv.test"))
    office.work_until(issued(office, "i.vmsrv.test"), "the certificate")
    for _ in range(20):
        office.begin()
        office.want(wish("i.vmsrv.test"))
        office.pass_time(30)
    assert len(faulty.orders) == 1


def test_two_weeks_of_errors_keep_the_ladder_and_end_within_an_hour(
    office: RealOffice, faulty: FaultyCa
) -> None:
    office.want(wish("j.vmsrv.test"))
    office.work_until(issued(office, "j.vmsrv.test"), "the certificate")
    first = served(office, "j.vmsrv.test")
    office.pass_time(59 * DAY)
    assert len(faulty.orders) == 1
    faulty.fail("/", problem("serverInternal", status=500))
    office.pass_time(15 * DAY)
    found = office.report("j.vmsrv.test")
    assert served(office, "j.vmsrv.test") == first
    assert found.alarm
    assert 14 <= found.failures <= 20
    assert len(faulty.orders) == 1
    faulty.heal()
    office.pass_time(3600)
    office.work_until(issued(office, "j.vmsrv.test", 2), "the renewal")
    assert served(office, "j.vmsrv.test") != first


def test_short_certificates_are_renewed_continuously(office: RealOffice, pebble: Pebble, time_: Time) -> None:
    pebble.restart(certificateValidityPeriod=10)
    office.want(wish("k.vmsrv.test"))
    office.work_until(issued(office, "k.vmsrv.test"), "the certificate")

    def renewed_and_never_expired() -> bool:
        found = office.files.current("k.vmsrv.test")
        assert found
        assert found.not_after > time_.wall()
        return issued(office, "k.vmsrv.test", 4)()

    office.work_until(renewed_and_never_expired, "three renewals")


@pytest.mark.parametrize("spoiled", [Spoiled.NAME, Spoiled.KEY, Spoiled.EXPIRED])
def test_an_unsound_certificate_never_replaces_a_good_one(
    office: RealOffice, faulty: FaultyCa, time_: Time, spoiled: Spoiled
) -> None:
    identity = "l.vmsrv.test"
    office.want(wish(identity))
    office.work_until(issued(office, identity), "the certificate")
    first = served(office, identity)
    stranger = FakeAuthority(time_.wall)
    stranger.spoiled = spoiled
    faulty.chain = lambda _: stranger.issue([dns.name.from_text(identity)], None).chain
    office.certifier.mailbox.put(Renew(identity))
    office.work_until(tried(office, identity), "the try")
    assert "the new certificate is not used" in str(office.report(identity).reason)
    assert served(office, identity) == first
    faulty.heal()
    office.time.later += 61
    office.work_until(issued(office, identity, 2), "the renewal")


def test_a_certificate_for_a_day_is_served_and_renewed_after_half_of_it(
    office: RealOffice, pebble: Pebble, time_: Time
) -> None:
    pebble.restart(certificateValidityPeriod=int(DAY))
    office.want(wish("m.vmsrv.test"))
    office.work_until(issued(office, "m.vmsrv.test"), "the certificate")
    assert office.report("m.vmsrv.test").due_at == pytest.approx(time_.wall() + DAY / 2, abs=600)


def test_a_rate_limit_is_obeyed(office: RealOffice, faulty: FaultyCa) -> None:
    faulty.fail("order-plz", problem("rateLimited", "too many", 429, Retry_After="7200"), times=1)
    office.want(wish("n.vmsrv.test"))
    office.work_until(tried(office, "n.vmsrv.test"), "the try")
    office.pass_time(7000)
    assert faulty.orders == []
    office.pass_time(201)
    office.work_until(issued(office, "n.vmsrv.test"), "the certificate")


def test_a_ca_that_forgot_everything_is_told_all_anew(office: RealOffice, pebble: Pebble) -> None:
    office.want(wish("o.vmsrv.test"))
    office.work_until(issued(office, "o.vmsrv.test"), "the certificate")
    pebble.restart()
    office.certifier.mailbox.put(Renew("o.vmsrv.test"))
    office.work_until(issued(office, "o.vmsrv.test", 2), "the renewal")


def test_a_window_that_moves_into_the_past_renews_once(office: RealOffice, faulty: FaultyCa) -> None:
    told: Sequence[str] = ("2020-01-01T00:00:00Z", "2020-01-02T00:00:00Z")
    faulty.window = lambda _: {"suggestedWindow": dict(zip(("start", "end"), told, strict=True))}
    faulty.once_only = True
    office.want(wish("p.vmsrv.test"))
    office.work_until(issued(office, "p.vmsrv.test", 2), "the renewal")
    office.pass_time(10 * DAY)
    assert len(faulty.orders) == 2
    assert faulty.orders[1]["replaces"]


def test_a_predecessor_that_was_replaced_before_is_left_out(office: RealOffice, faulty: FaultyCa) -> None:
    faulty.window = lambda _: None
    faulty.once_only = True
    office.want(wish("q.vmsrv.test"))
    office.work_until(issued(office, "q.vmsrv.test"), "the certificate")
    found = office.files.current("q.vmsrv.test")
    assert found
    assert found.ari_id
    faulty.replaced.add(found.ari_id)
    office.certifier.mailbox.put(Renew("q.vmsrv.test"))
    office.work_until(issued(office, "q.vmsrv.test", 2), "the renewal")
    assert ["replaces" in order for order in faulty.orders] == [False, True, False]


def test_the_zone_is_as_it_was(office: RealOffice) -> None:
    office.want(wish("vmsrv.test", "vmsrv.test", "*.vmsrv.test"))
    before = office.servers.primary.read().rrsets
    office.work_until(issued(office, "vmsrv.test"), "the certificate")
    assert office.servers.primary.read().rrsets == before
    assert {key.type for key in before} >= {NS, A}
