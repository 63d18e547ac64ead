"""The language of a text is what the index says, unless the text itself says otherwise."""

import pytest

from newsapi_dentsu.domain import language
from newsapi_dentsu.domain.language import verified_language

TEXTS = {
    "eng": "The agency said that it would open a studio in the city and that the people who work "
    "there are to make advertising with the help of machines, which has been tried before.",
    "deu": "Die Agentur sagte, dass sie ein Studio in der Stadt eröffnen werde und dass die Leute, "
    "die dort arbeiten, Werbung mit der Hilfe von Maschinen machen sollen, was schon versucht "
    "wurde.",
    "fra": "L'agence a dit qu'elle ouvrirait un studio dans la ville et que les gens qui y "
    "travaillent feront de la publicité avec l'aide des machines, ce qui a déjà été essayé avant.",
    "spa": "La agencia dijo que abriría un estudio en la ciudad y que la gente que trabaja en él "
    "hará publicidad con la ayuda de las máquinas, lo que ya se había intentado antes de ahora.",
    "pol": "Agencja powiedziała, że otworzy studio w mieście i że ludzie, którzy tam pracują, będą "
    "tworzyć reklamy z pomocą maszyn, czego próbowano już wcześniej w wielu innych krajach świata.",
}


@pytest.mark.parametrize("spoken", TEXTS)
def test_a_right_claim_is_confirmed(spoken: str) -> None:
    assert verified_language(TEXTS[spoken], spoken) == spoken


@pytest.mark.parametrize("spoken", TEXTS)
@pytest.mark.parametrize("claimed", ["ita", None])
def test_a_wrong_or_missing_claim_is_mended(spoken: str, claimed: str | None) -> None:
    assert verified_language(TEXTS[spoken], claimed) == spoken


def test_a_text_of_a_few_words_is_believed_to_be_what_is_claimed() -> None:
    assert verified_language("Guten Tag", "eng") == "eng"
    assert verified_language("Guten Tag", None) is None


def test_no_detector_is_loaded_for_a_text_full_of_its_languages_words(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(language, "_identifier", None)
    assert verified_language(TEXTS["eng"], "eng") == "eng"
