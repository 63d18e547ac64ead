"""processed.embeddings: what the sentence model made of each text, a cache.

A vector is kept as whole numbers of at most 127 in its direction, which all engines hold exactly.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from newsapi_dentsu.warehouse.engines.base import DIMENSIONS, Row, Session

if TYPE_CHECKING:
    from newsapi_dentsu.domain.vectors import Steps, Vector, Vectors

# numpy and the domain's vectors are imported where they are used: commands that only know this
# table's name needn't wait for them.

TABLE = "processed.embeddings"
COLUMNS = {"model": "text", "text_hash": "text", "vector": "vector"}


@dataclass(frozen=True, slots=True)
class _Form:
    """How this database keeps vectors, and how they go there and come back as texts."""

    in_words: str
    read: str
    write: str
    parse: Callable[[Sequence[str]], "Steps"]
    tell: Callable[["Steps"], Sequence[str]]


def form(session: Session) -> str:
    """How this database keeps vectors, in words."""
    return _form(session).in_words


def known(session: Session, model: str, hashes: Collection[str]) -> set[str]:
    """Which of these texts have a vector."""
    return {text_hash for (text_hash,) in _rows(session, "text_hash", model, hashes)}


def vectors(session: Session, model: str, hashes: Collection[str]) -> dict[str, "Vector"]:
    """The vectors of those of these texts that have one, each of length 1.

    They are the embedder's own to the last bit.

    Args:
        session: a transaction or snapshot.
        model: the model's name and version.
        hashes: the `passage_hash` of each text.
    """
    from newsapi_dentsu.domain.vectors import from_steps

    kept = _form(session)
    found = _rows(session, f"text_hash, {kept.read}", model, hashes)
    if not found:
        return {}
    rows = from_steps(kept.parse([vector for _, vector in found]))
    return {text_hash: row for (text_hash, _), row in zip(found, rows, strict=True)}


def save(session: Session, model: str, made: Mapping[str, "Vector"]) -> None:
    """Store the vectors of texts by their hashes; those that are there stay."""
    if not made:
        return
    import numpy as np

    from newsapi_dentsu.domain.vectors import in_steps

    kept = _form(session)
    rows: Vectors = np.stack(list(made.values()))
    session.execute(
        f"INSERT INTO {TABLE} (model, text_hash, vector) "
        f"SELECT $1, text_hash, {kept.write} FROM (SELECT unnest($2::text[]) AS text_hash, "
        "unnest($3::text[]) AS vector) AS made ON CONFLICT (model, text_hash) DO NOTHING",
        model,
        list(made),
        list(kept.tell(in_steps(rows))),
    )


def models(session: Session) -> dict[str, int]:
    """How many vectors each model has made that are kept."""
    return dict(session.rows(f"SELECT model, count(*) FROM {TABLE} GROUP BY model ORDER BY model"))


def hashes_after(session: Session, model: str, after: str, limit: int) -> list[str]:
    """The next hashes of a model's vectors, in order."""
    found = session.rows(
        f"SELECT text_hash FROM {TABLE} WHERE model = $1 AND text_hash > $2 "
        "ORDER BY text_hash LIMIT $3",
        model,
        after,
        limit,
    )
    return [text_hash for (text_hash,) in found]


def remove(session: Session, model: str, hashes: Collection[str]) -> None:
    """Delete a model's vectors of these texts."""
    if hashes:
        session.execute(
            f"DELETE FROM {TABLE} WHERE model = $1 AND text_hash IN (SELECT unnest($2::text[]))",
            model,
            list(hashes),
        )


def _rows(session: Session, columns: str, model: str, hashes: Collection[str]) -> list[Row]:
    if not hashes:
        return []
    return session.rows(
        f"SELECT {columns} FROM {TABLE} "
        "WHERE model = $1 AND text_hash IN (SELECT unnest($2::text[]))",
        model,
        list(hashes),
    )


def _form(session: Session) -> _Form:
    schema, table = TABLE.split(".")
    type_, type_schema, type_name = session.rows(
        "SELECT lower(data_type), udt_schema, udt_name FROM information_schema.columns "
        "WHERE table_catalog = current_database() AND table_schema = $1 AND table_name = $2 "
        "AND column_name = 'vector'",
        schema,
        table,
    )[0]
    if type_ == "bytea":
        return _Form(
            "as bytes, without pgvector",
            "encode(vector, 'hex')",
            "decode(vector, 'hex')",
            _of_hex,
            lambda steps: [row.tobytes().hex() for row in steps],
        )
    if type_name == "halfvec":
        in_words, type_, read = "as halfvec of pgvector", f'"{type_schema}".halfvec', "vector"
    else:
        # Whole numbers are written in half the time.
        in_words, read = "as an array", f"CAST(vector AS tinyint[{DIMENSIONS}])"
    return _Form(
        in_words,
        f"CAST({read} AS text)",
        f"CAST(vector AS {type_})",
        _of_lists,
        lambda steps: [str(row) for row in steps.tolist()],
    )


def _of_hex(texts: Sequence[str]) -> "Steps":
    import numpy as np

    return np.frombuffer(bytes.fromhex("".join(texts)), np.int8).reshape(len(texts), -1)


def _of_lists(texts: Sequence[str]) -> "Steps":
    import numpy as np

    numbers = np.fromstring(",".join(text[1:-1] for text in texts), np.int16, sep=",")
    return numbers.reshape(len(texts), -1).astype(np.int8)
