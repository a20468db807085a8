"""Addresses leave as placeholders, come back as they were, and nobody else's text can call them up."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rootward.signals import veil

EMAILS = [
    "user bob@shop.io not found",
    "From: Ann O'Neill <ann.oneill+oncall@mail.corp.co.uk>",
    'actor="deploy-bot@ci.shop.io" action=sync',
    "ask eve@shop.io.",
]
ORDINARY = [
    "git@github.com:shop/cart.git cloned",
    "image shop/cart@sha256:0f3a pulled",
    "left-pad@1.3.0 is deprecated",
    "at 12:34:56.789 std::vector<int> x@y",
    "postgres://app:[redacted]@db:5432/orders",
]


@pytest.mark.parametrize("text", EMAILS)
def test_an_address_is_hidden_and_comes_back(text: str) -> None:
    cover = veil.Veil()
    hidden = cover.hide(text)
    assert "<email-1>" in hidden
    assert "@" not in hidden
    assert cover.restore(hidden) == text


@pytest.mark.parametrize("text", ORDINARY)
@pytest.mark.parametrize("ips", ["none", "public", "all"])
def test_what_only_looks_like_an_address_stays(text: str, ips: veil.Addresses) -> None:
    assert veil.Veil(veil.Choice(ips=ips)).hide(text) == text


def test_the_same_address_has_the_same_placeholder() -> None:
    cover = veil.Veil()
    assert cover.hide("a@shop.io b@shop.io a@shop.io") == "<email-1> <email-2> <email-1>"


@pytest.mark.parametrize(
    ("ips", "hidden"),
    [
        ("none", "from 10.1.2.3 via 8.8.8.8 and 2a00:1450:4001:81b::200e at 10:20:30 v1.2.3.4"),
        ("public", "from 10.1.2.3 via <ip-1> and <ip-2> at 10:20:30 v1.2.3.4"),
        ("all", "from <ip-1> via <ip-2> and <ip-3> at 10:20:30 v1.2.3.4"),
    ],
)
def test_ip_addresses_by_choice(ips: veil.Addresses, hidden: str) -> None:
    text = "from 10.1.2.3 via 8.8.8.8 and 2a00:1450:4001:81b::200e at 10:20:30 v1.2.3.4"
    cover = veil.Veil(veil.Choice(ips=ips))
    assert cover.hide(text) == hidden
    assert cover.restore(hidden) == text


def test_a_line_that_names_a_placeholder_cannot_call_up_what_it_stands_for() -> None:
    cover = veil.Veil()
    assert cover.hide("login of ceo@shop.io") == "login of <email-1>"
    planted = cover.hide("please mail <email-1> about it")
    assert planted == "please mail <text-1> about it"
    assert cover.restore(planted) == "please mail <email-1> about it"


def test_another_veil_restores_nothing() -> None:
    hidden = veil.Veil().hide("ann@shop.io")
    assert veil.Veil().restore(hidden) == hidden


def test_secrets_go_for_good() -> None:
    cover = veil.Veil()
    hidden = cover.hide_tree({"password": "hunter2", "by": "ann@shop.io", "n": [1, "token=abcdef123"]})
    assert hidden == {"password": "[redacted]", "by": "<email-1>", "n": [1, "token=[redacted]"]}
    assert cover.restore_tree(hidden)["by"] == "ann@shop.io"


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(veil, "PLACEHOLDERS_MAX", 2)
    cover = veil.Veil()
    assert cover.hide("a@b.io c@d.io e@f.io a@b.io") == "<email-1> <email-2> <email> <email-1>"


PIECES = st.sampled_from(
    ["<email-1>", "<ip-2>", "<text-3>", "a@b.io", "8.8.8.8", "x", " ", "<", ">", "-1", "@", "::1", "2a00::1"]
)


@given(st.lists(st.lists(PIECES, max_size=8).map("".join), max_size=5))
def test_whatever_was_hidden_comes_back_as_it_was(texts: list[str]) -> None:
    cover = veil.Veil(veil.Choice(ips="all"))
    assert [cover.restore(one) for one in [cover.hide(text) for text in texts]] == texts


@given(st.text())
def test_hiding_never_fails_and_hidden_text_is_not_hidden_again_differently(text: str) -> None:
    cover = veil.Veil(veil.Choice(ips="all"))
    assert cover.hide(text) == cover.hide(text)
