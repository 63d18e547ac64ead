"""Articles become a Parquet file in bounded memory, however many they are."""

import json
from collections.abc import Iterator
from pathlib import Path
from random import Random

import duckdb
import pytest

from newsapi_dentsu.reading import parquet
from newsapi_dentsu.reading.parquet import parquet_stream

TYPES = {"article_id": "integer", "body": "text", "authors": "list"}


def lines(count: int, words: int) -> Iterator[str]:
    for number in range(count):
        text = Random(number).randbytes(4 * words).hex(" ", 4)
        yield json.dumps({"article_id": number, "body": text, "authors": ["é", None]}) + "\n"


def test_of_more_rows_than_memory_each_comes_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parquet, "_MEMORY", "128MB")
    monkeypatch.setattr(parquet, "_LARGEST_ROW", 1 << 20)
    file = tmp_path / "articles.parquet"
    file.write_bytes(b"".join(parquet_stream(lines(30_000, 600), TYPES)))
    rows = duckdb.execute(
        "SELECT count(DISTINCT article_id), sum(length(body)) > 128e6, any_value(authors) "
        f"FROM '{file}'"
    ).fetchall()
    assert rows == [(30_000, True, ["é", None])]


def test_no_row_makes_a_file_without_rows(tmp_path: Path) -> None:
    file = tmp_path / "articles.parquet"
    file.write_bytes(b"".join(parquet_stream([], TYPES)))
    assert duckdb.read_parquet(str(file)).columns == list(TYPES)


def test_what_goes_wrong_with_the_rows_leaves_no_whole_file() -> None:
    def broken() -> Iterator[str]:
        yield from lines(3, 3)
        raise LookupError("gone")

    given: list[bytes] = []
    with pytest.raises(LookupError):
        given.extend(parquet_stream(broken(), TYPES))
    assert not b"".join(given).endswith(b"PAR1")
