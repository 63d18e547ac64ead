"""Names and texts of any spelling stand in a statement as what they are."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsapi_dentsu.warehouse import Warehouse
from newsapi_dentsu.warehouse.engines.base import one
from newsapi_dentsu.warehouse.engines.quoting import quoted_name, quoted_text

pytestmark = pytest.mark.each_engine

TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1)
NAMES = TEXT.map(lambda text: text[:10])


@given(TEXT, NAMES)
def test_what_is_quoted_is_read_as_it_was(warehouse: Warehouse, text: str, name: str) -> None:
    column = quoted_name(name)
    with warehouse.snapshot() as session:
        assert one(session, f"SELECT {quoted_text(text)}") == text
        assert one(session, f"SELECT v.{column} FROM (SELECT 7 AS {column}) AS v") == 7


def test_reserved_words_are_names_too(warehouse: Warehouse) -> None:
    with warehouse.snapshot() as session:
        assert one(session, f"SELECT 1 AS {quoted_name('select')}") == 1
