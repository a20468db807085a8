"""Names: pods and their owners, hosts and what they mean, spellings of one thing."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rootward.signals import entities, naming

Kind = entities.EntityKind


@pytest.mark.parametrize(
    ("pod", "service"),
    [
        ("ts-order-service-5b67c48447-mv5hb", "ts-order-service"),
        ("checkoutservice-578fcf4766-9csqn", "checkoutservice"),
        ("paymentservice-9cdb6588f-554sm", "paymentservice"),
        ("cart-cnthh5k5j-58gl8", "cart"),
        ("redis-cart-0", "redis-cart"),
        ("kafka-12", "kafka"),
        ("node-exporter-x7x2q", "node-exporter"),
        ("nightly-report-28391040-4xk2p", "nightly-report"),
        ("migrate-2pq7z", "migrate"),
        ("indexed-job-3-8wq2z", "indexed-job"),
        # names that only look a little like it
        ("checkout", "checkout"),
        ("front-end", "front-end"),
        ("ts-order-other-service", "ts-order-other-service"),
        ("payment-service-cache", "payment-service-cache"),
        ("carts-db", "carts-db"),
        ("queue-master", "queue-master"),
        ("email-service-queue", "email-service-queue"),
        ("user-deploy-store", "user-deploy-store"),
        ("api-v2", "api-v2"),
        ("", ""),
    ],
)
def test_the_owner_of_a_pod(pod: str, service: str) -> None:
    assert naming.service_of_pod(pod) == service


SUFFIX = "bcdfghjklmnpqrstvwxz2456789"
WORDS = st.lists(st.sampled_from(["cart", "order", "web", "auth", "db", "search", "api"]), min_size=1, max_size=3).map(
    "-".join
)


@given(WORDS, st.text(SUFFIX, min_size=8, max_size=10), st.text(SUFFIX, min_size=5, max_size=5))
def test_pods_of_deployments_always_tell_their_owner(owner: str, template: str, random: str) -> None:
    assert naming.service_of_pod(f"{owner}-{template}-{random}") == owner


@given(WORDS)
def test_plain_names_stay(name: str) -> None:
    assert naming.service_of_pod(name) == name


@given(st.text(string.printable, max_size=60))
def test_any_text_is_some_name(text: str) -> None:
    naming.service_of_pod(text)
    naming.of_host(text)
    assert naming.key(text) == naming.key(text.upper().lower())
    assert naming.host(naming.host(text)) is not None


@pytest.mark.parametrize(
    ("address", "entity"),
    [
        ("https://u:p@api.stripe.com:443/v1", entities.Entity(Kind.EXTERNAL, "api.stripe.com")),
        ("checkout", entities.Entity(Kind.SERVICE, "checkout")),
        ("checkout:8080", entities.Entity(Kind.SERVICE, "checkout")),
        ("checkout.shop", entities.Entity(Kind.SERVICE, "checkout", "shop")),
        ("checkout.shop.svc", entities.Entity(Kind.SERVICE, "checkout", "shop")),
        ("http://checkout.shop.svc.cluster.local:8080/", entities.Entity(Kind.SERVICE, "checkout", "shop")),
        ("mysql-0.mysql.prod.svc.cluster.local", entities.Entity(Kind.SERVICE, "mysql", "prod")),
        ("orders.c9x.eu-west-1.rds.amazonaws.com:5432", entities.Entity(Kind.DATABASE, "orders")),
        ("redis://session-cache:6379", entities.Entity(Kind.SERVICE, "session-cache")),
        ("10.2.3.4:8080", None),
        ("[2001:db8::1]:443", None),
        ("localhost:9090", None),
        ("", None),
    ],
)
def test_what_an_address_names(address: str, entity: entities.Entity | None) -> None:
    assert naming.of_host(address) == entity


def test_spellings_of_one_thing_fold() -> None:
    folded = naming.fold(["checkout", "CheckoutService", "checkout-service", "orders-db", "orders"])
    assert len({folded[name] for name in ("CheckoutService", "checkout-service")}) == 1
    assert folded["checkout"] == folded["checkout-service"]
    assert folded["orders"] != folded["orders-db"]


def test_three_different_suffixes_stay_apart() -> None:
    names = ["order", "order-service", "order-server"]
    assert naming.fold(names) == {name: name for name in names}


@given(st.lists(st.text(string.ascii_letters + "-_.", min_size=1, max_size=12), max_size=8))
def test_folding_does_not_depend_on_order_and_is_stable(names: list[str]) -> None:
    folded = naming.fold(names)
    assert folded == naming.fold(list(reversed(names)))
    assert all(folded[folded[name]] == folded[name] for name in names)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("PodCpuUsage", ("pod", "cpu", "usage")),
        ("http_server.request-duration", ("http", "server", "request", "duration")),
        ("p90Latency", ("p90", "latency")),
    ],
)
def test_words_of_a_name(name: str, words: tuple[str, ...]) -> None:
    assert naming.words(name) == words
