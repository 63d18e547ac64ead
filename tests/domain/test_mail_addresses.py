"""Lists of mail addresses are read as RFC 5322 has them; what is none is told apart."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsapi_dentsu.domain.mail_addresses import mail_address, mail_addresses


def read(text: str) -> tuple[list[str], list[str]]:
    found = mail_addresses(text)
    return [one.addr_spec for one in found.usable], list(found.unusable)


@pytest.mark.parametrize(
    ("text", "addresses"),
    [
        ("ops@example.com", ["ops@example.com"]),
        ("a@x.example,b@x.example", ["a@x.example", "b@x.example"]),
        (" a@x.example , , b@x.example, ", ["a@x.example", "b@x.example"]),
        ('"Ops, Team" <ops@x.example>, b@x.example', ["ops@x.example", "b@x.example"]),
        (r'"Ops \", Team" <ops@x.example>, b@x.example', ["ops@x.example", "b@x.example"]),
        ("Ops (day, night) <ops@x.example>, b@x.example", ["ops@x.example", "b@x.example"]),
        ("Ops (a (b, c) d) <ops@x.example>", ["ops@x.example"]),
        ("Team: a@x.example, B <b@x.example>;, c@x.example", [*(f"{x}@x.example" for x in "abc")]),
        ('"Team, all": a@x.example;', ["a@x.example"]),
        ("a@x.example; b@x.example", ["a@x.example", "b@x.example"]),
        ("Nobody:;, a@x.example", ["a@x.example"]),
        ("Jörg Müller <j@x.example>", ["j@x.example"]),
        ("jörg@x.example", ["jörg@x.example"]),
        ("ops@bücher.example", ["ops@xn--bcher-kva.example"]),
        ("ops@straße.example", ["ops@xn--strae-oqa.example"]),
        ("ops@βόλος.example", ["ops@xn--nxasmm1c.example"]),
        ("ops@EXAMPLE\u3002example", ["ops@example.example"]),
        ('"all@home": a@x.example;', ["a@x.example"]),
        ('"john, smith"@x.example', ['"john, smith"@x.example']),
        ("ops@[127.0.0.1], root@localhost", ["ops@[127.0.0.1]", "root@localhost"]),
        ("a@x.example, A <a@x.example>, a@x.example", ["a@x.example", "a@x.example"]),
        ("Ops. Team <o@x.example>", ["o@x.example"]),
    ],
)
def test_lists(text: str, addresses: list[str]) -> None:
    assert read(text) == (addresses, [])


@pytest.mark.parametrize(
    "text",
    [
        "nonsense",
        "ops@",
        "@x.example",
        "a b@x.example",
        "a@b@c",
        "ops@x..example",
        ".ops@x.example",
        "ops@ex ample.com",
        "<>",
        "(only a comment)",
        "Ops Team ops@x.example",
        "ops@x.example>",
        "ops@x.example:",
        "<ops@x.example",
        '"Ops <ops@x.example>',
        f"ops@{'x' * 64}.example",
        "o\u202eps@x.example",
        "\udcffops@x.example",
    ],
)
def test_what_is_no_address_costs_the_others_nothing(text: str) -> None:
    assert mail_address(text) is None
    assert read(f"a@x.example, {text}") == (["a@x.example"], [text])


@given(st.text())
def test_any_text_is_read(text: str) -> None:
    found = mail_addresses(text)
    for one in found.usable:
        assert mail_address(str(one)) == one


def test_an_address_with_a_colon_for_a_comma_after_it_is_told() -> None:
    assert read("a@x.example: b@x.example") == (["b@x.example"], ["a@x.example:"])
