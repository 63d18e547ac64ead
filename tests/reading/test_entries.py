"""What an index holds of an article stays within what every engine takes."""

from collections import Counter
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from newsapi_dentsu.domain.terms import terms
from newsapi_dentsu.reading.entries import COLUMNS, Entry, entry
from support.examples import costly

MOMENT = datetime(2026, 11, 28, tzinfo=UTC)
PLACES, OF_A_TERM, BYTES = 16_000, 250, 700_000


def made(title: str, body: str) -> Entry:
    row = dict.fromkeys(COLUMNS) | {"title": title, "body": body, "published_at": MOMENT}
    return entry(tuple({**row, "article_id": "a", "change_seq": 1, "topics": []}.values()))


@st.composite
def texts(draw: st.DrawFn) -> str:
    """Texts of a few words that come often, or of many that come once."""
    length = draw(st.sampled_from([1, 8, 64, 80]))
    repeated = draw(st.sampled_from([1, 249, 250, 251, 600]))
    different = draw(st.sampled_from([1, 3, 60, 2_600, 5_000]))
    letter = draw(st.sampled_from("aé中𝔘"))
    words = [f"{n}{letter * length}" for n in range(min(different, 20_000 // repeated + 1))]
    return " ".join(words * repeated)


@costly(8)
@given(title=texts(), body=texts())
def test_no_text_is_too_long_for_any_engine(title: str, body: str) -> None:
    words = made(title, body).words
    counts = Counter(word for word in words if word)

    assert len(words) <= PLACES
    assert max(counts.values()) <= OF_A_TERM
    assert sum(len(word.encode()) + 8 for word in counts) <= BYTES


@costly(8)
@given(title=texts(), body=texts())
def test_what_is_kept_are_the_texts_terms_in_their_places(title: str, body: str) -> None:
    of_title = terms(title)[: PLACES // 2]
    told = [*of_title, None, *terms(body)]
    seen: Counter[str | None] = Counter()

    for word, wanted in zip(made(title, body).words, told, strict=False):
        seen[wanted] += 1
        assert word == (wanted if seen[wanted] <= OF_A_TERM else None)
