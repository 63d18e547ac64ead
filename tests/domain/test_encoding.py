"""Text read in a wrong encoding: repaired where it can be, and good text left alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsapi_dentsu.domain.encoding import damage, repaired
from newsapi_dentsu.domain.text import clean_text

WHOLE = "The agency’s “bold” plan – café, naïve, 50 £ – is here… “Done,” she said."


@pytest.mark.parametrize("read_as", ["latin-1", "sloppy-windows-1252"])
@pytest.mark.parametrize("times", [1, 2])
def test_a_text_read_in_another_encoding_is_what_it_was(read_as: str, times: int) -> None:
    import ftfy.bad_codecs  # noqa: F401

    text = WHOLE
    for _ in range(times):
        text = text.encode().decode(read_as)
    assert clean_text(text) == WHOLE


@pytest.mark.parametrize(
    ("broken", "whole"),
    [
        ("The network'sÂ new boss.Â  She", "The network's new boss. She"),
        ("itâ&#128;&#153;s", "it’s"),
        ("Higua\u00c3\u00adn", "Higuaín"),
        ('Safe. â\x80" She said', "Safe. — She said"),
        ("Well â€| no", "Well … no"),
        ("â€œYesâ€ is â€œno,â€ he said. â€œSo.â€", "“Yes” is “no,” he said. “So.”"),
        ('PowerHouseâ"¢', "PowerHouse™"),
        ("ads \u1f4c8 and \u1f1ea\u1f1f8 \u1f44e", "ads 📈 and 🇪🇸 👎"),
        ("PUERTO BOYACÁ\nBoyacÃ¡", "PUERTO BOYACÁ\nBoyacá"),
        ("cost \x8015", "cost €15"),
        ("CITTÃ€, KÃ–LN, SCHÃ–N, VOILÃ€", "CITTÀ, KÖLN, SCHÖN, VOILÀ"),
        ("AMANHÃƒ E IRMÃ£", "AMANHÃ E IRMã"),
        ("CAMPEÃ® do JoÃ£o", "CAMPEî do João"),
    ],
)
def test_damage_is_seen_before_any_character_is_dropped(broken: str, whole: str) -> None:
    assert clean_text(broken) == whole


@pytest.mark.parametrize(
    "text",
    [
        WHOLE,
        "SÃO PAULO: A ÂNCORA ENGRAÇADA, JOÃO – “NÃO”",
        "Ân cần, Âu Lạc, ÂM NHẠC, Đà Nẵng ‘Ấn tượng’",
        "“A IRMÃ” — “ALEMÃ”, a letra “Ã”; câu “Â”; „Î” “Ð”.",
        *("CAMPEÃ® DE 2026", "O AMANHÃ€ VEM", "IRMÃ–HOJE", "A ALEMÃ©", "ÓRFÃ… “IRÃ”", "IRMÃ» É"),
        *("O irmã€ de hoje", "em maçãº de um", "a SØ° b"),
        "« À la carte », GRÂCE À L’ÉTÉ, CÔTE D’AZUR – PÂTÉ, «Être»",
        "ROMÂNIA – BUCUREȘTI, Îles “Ï”",
        "ESPAÑA», IÑIGO’S MAÑANA™, ¡Ñam!",
        "ÅÄÖ på svenska ”hej”, Ørsted – Å",
        "NESTLÉ® and CAFÉ™, RENÉE’S",
        "Ünlü “Ş” ğ, Žižek „tak“",
        "Рассказ «Рим» — да",
        "ἐν ἀρχῇ ἦν ὁ λόγος ὢ2",
        "人工知能は「広告」を変える。",
        "مرحبا بكم – “أهلا”",
    ],
)
def test_good_text_of_any_language_stays(text: str) -> None:
    assert repaired(text) == text
    assert damage(text) == 0


def test_what_is_lost_for_good_is_counted() -> None:
    assert damage(repaired("Caf\ufffd and \ufffd, n\ufffdive")) == 3


@given(st.text())
def test_repairing_never_fails(text: str) -> None:
    assert repaired(repaired(text)) is not None
