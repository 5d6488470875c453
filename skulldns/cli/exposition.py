"""Health in Prometheus' text format (prometheus.io/docs/instrumenting/exposition_formats)."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

Labelled = Iterable[tuple[list[str], float | None]]


def exposition(health: dict[str, Any]) -> str:
    """The text for what ``examine`` found; figures that are not known are left out."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Health(health))
    return generate_latest(registry).decode()


class _Health(Collector):
    def __init__(self, health: dict[str, Any]) -> None:
        self._health = health

    def collect(self) -> Iterable[Metric]:
        yield _gauge(
            "ping",
            "Whether a thing is well (1) or not (0); the same as `skulldns doctor`.",
            ["kind", "name"],
            (([one["kind"], one["name"]], float(one["good"])) for one in self._health["pings"]),
        )
        if "status" in self._health:
            yield from _status(self._health["status"])
            yield _gauge(
                "ca_limit_left",
                "How much of a CA's limit is left.",
                ["ca", "limit", "subject"],
                (([one["ca"], one["limit"], one["subject"]], one["left"]) for one in self._health["budget"]),
            )


def _status(status: dict[str, Any]) -> Iterator[Metric]:
    yield _gauge("names", "Names by their state.", ["state"], (([k], n) for k, n in status["counts"].items()))
    yield _gauge("alarms", "Alarms, each of which needs a person.", [], [([], len(status["alarms"]))])
    yield _gauge("problems", "Sentences about what is wrong.", [], [([], len(status["problems"]))])
    sources = status["sources"]
    yield _gauge("guests", "Guests known.", ["source"], (([one["name"]], one["guests"]) for one in sources))
    yield _gauge(
        "guests_running", "Guests that run.", ["source"], (([one["name"]], one["running"]) for one in sources)
    )
    servers = [([one["zone"], one["role"], one["address"]], one) for one in status["servers"]]
    where = ["zone", "role", "server"]
    yield _gauge(
        "zone_serial", "The zone's serial on a server.", where, ((at, one["serial"]) for at, one in servers)
    )
    yield _gauge(
        "pending_rrsets",
        "RRsets that a server does not serve yet.",
        where,
        ((at, one["pending"]) for at, one in servers),
    )
    updates = CounterMetricFamily("skulldns_update_messages", "UPDATE messages sent since the start.")
    updates.add_metric([], status["messages"])
    yield updates
    yield from _proxy(status["proxy"] or {})
    yield from _certificates(status["certificates"])
    yield from _dnssec({one["zone"]: one["dnssec"] for one in status["outlooks"]})


def _proxy(proxy: dict[str, Any]) -> Iterator[Metric]:
    if not proxy:
        return
    yield _gauge("sites", "Sites that should be served.", [], [([], proxy["sites"])])
    yield _gauge("sites_quarantined", "Sites not served as asked.", [], [([], len(proxy["quarantined"]))])
    yield _gauge(
        "proxy_edited_files", "Files of the proxy that somebody edited.", [], [([], len(proxy["drift"]))]
    )
    yield _gauge("proxy_generation", "Generation of files rolled out last.", [], [([], proxy["generation"])])


def _certificates(found: list[dict[str, Any]]) -> Iterator[Metric]:
    def each(key: str) -> Labelled:
        return (([one["identity"]], one[key]) for one in found)

    label = ["certificate"]
    yield _gauge(
        "certificate_not_after_seconds", "Unix time at which a certificate ends.", label, each("not_after")
    )
    yield _gauge(
        "certificate_due_seconds", "Unix time of the next try to get or renew it.", label, each("due_at")
    )
    yield _gauge("certificate_failures", "Failed tries since the last success.", label, each("failures"))
    yield _gauge("certificate_alarm", "Whether a person should look (1).", label, each("alarm"))


def _dnssec(found: dict[str, dict[str, Any]]) -> Iterator[Metric]:
    def each(value: Callable[[dict[str, Any]], float | None]) -> Labelled:
        return (([zone], value(one)) for zone, one in found.items())

    matches = {"matches": 1.0, "wrong": 0.0}
    yield _gauge("zone_signed", "Whether a zone is signed (1).", ["zone"], each(lambda one: one["signed"]))
    yield _gauge(
        "zone_signatures_expire_seconds",
        "Unix time at which the first signature of a zone's SOA or keys ends, on any of its servers.",
        ["zone"],
        each(lambda one: one["expires"]),
    )
    yield _gauge(
        "zone_ds_matches",
        "Whether the parent's DS matches the keys (1) or not (0); left out where there is none.",
        ["zone"],
        each(lambda one: matches.get(one["ds"])),
    )


def _gauge(name: str, text: str, labels: list[str], samples: Labelled) -> GaugeMetricFamily:
    """A gauge; what is None is left out."""
    family = GaugeMetricFamily(f"skulldns_{name}", text, labels=labels)
    for values, number in samples:
        if number is not None:
            family.add_metric(values, float(number))
    return family
