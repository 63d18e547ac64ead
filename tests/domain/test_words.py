"""Words of ASCII texts are found as the pattern says, only faster."""

import re

from hypothesis import given
from hypothesis import strategies as st

from newsapi_dentsu.domain.words import AsciiWords

PATTERN = re.compile(r"[a-zA-Z0-9]+(?:[.,:'][a-zA-Z0-9]+)*")
WORDS = AsciiWords(".,:'")


@given(
    st.text(alphabet=st.one_of(st.sampled_from("ab1.,:' -\n"), st.characters(max_codepoint=127)))
)
def test_the_words_are_those_of_the_pattern(text: str) -> None:
    assert WORDS.find(text) == PATTERN.findall(text)


def test_marks_join_only_between_letters_and_digits() -> None:
    text = "At 9:30, it's 3.5 (or 1,000) - 'quoted'... a.b..c said."
    found = ["At", "9:30", "it's", "3.5", "or", "1,000", "quoted", "a.b", "c", "said"]
    assert WORDS.find(text) == found
