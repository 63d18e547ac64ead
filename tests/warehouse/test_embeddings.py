"""Vectors come back from both engines as they were made."""

import numpy as np
import pytest

from newsapi_dentsu.domain.passages import passage_hash
from newsapi_dentsu.meaning import sentence_model
from newsapi_dentsu.warehouse import Warehouse
from newsapi_dentsu.warehouse.tables import embeddings
from support.tables import execute

pytestmark = pytest.mark.each_engine

TEXTS = ["Brands let algorithms write.", "A kitten naps.", "Une phrase en français."]
HASHES = [passage_hash(text) for text in TEXTS]
MODEL = sentence_model().model


def without_pgvector(warehouse: Warehouse) -> Warehouse:
    """The same tables where no extension could be created."""
    if warehouse.engine.name == "PostgreSQL":
        execute(warehouse, "ALTER TABLE processed.embeddings DROP COLUMN vector")
        execute(warehouse, "ALTER TABLE processed.embeddings ADD COLUMN vector bytea NOT NULL")
    return warehouse


@pytest.mark.parametrize("as_bytes", [False, True])
def test_vectors_come_back_to_the_last_bit(warehouse: Warehouse, as_bytes: bool) -> None:
    if as_bytes:
        without_pgvector(warehouse)
    made = dict(zip(HASHES, sentence_model().embed(TEXTS), strict=True))
    with warehouse.transaction() as session:
        embeddings.save(session, MODEL, made)
    with warehouse.snapshot() as session:
        found = embeddings.vectors(session, MODEL, [*HASHES, "unknown"])
        form = embeddings.form(session)
    assert found.keys() == made.keys()
    assert all(np.array_equal(found[key], made[key]) for key in made)
    with_extension = "as halfvec of pgvector", "as bytes, without pgvector"
    expected = with_extension[as_bytes] if warehouse.engine.name == "PostgreSQL" else "as an array"
    assert form == expected


def test_a_vector_that_is_there_stays(warehouse: Warehouse) -> None:
    first, other, third = sentence_model().embed(TEXTS)
    with warehouse.transaction() as session:
        embeddings.save(session, MODEL, {"a": first})
        embeddings.save(session, MODEL, {"a": other, "b": third})
    with warehouse.snapshot() as session:
        found = embeddings.vectors(session, MODEL, ["a", "b"])
    assert np.array_equal(found["a"], first)
    assert np.array_equal(found["b"], third)


def test_each_model_has_its_own(warehouse: Warehouse) -> None:
    one, other, _ = sentence_model().embed(TEXTS)
    with warehouse.transaction() as session:
        embeddings.save(session, "one@1", {"a": one})
        embeddings.save(session, "one@2", {"a": other, "b": other})
    with warehouse.snapshot() as session:
        assert np.array_equal(embeddings.vectors(session, "one@1", ["a", "b"])["a"], one)
        assert embeddings.known(session, "one@1", ["a", "b"]) == {"a"}
        assert embeddings.known(session, "one@2", ["a", "b"]) == {"a", "b"}
        assert embeddings.models(session) == {"one@1": 1, "one@2": 2}


def test_nothing_is_asked_of_nothing(warehouse: Warehouse) -> None:
    with warehouse.transaction() as session:
        embeddings.save(session, MODEL, {})
        assert embeddings.vectors(session, MODEL, []) == {}
        assert embeddings.known(session, MODEL, []) == set()
        assert embeddings.vectors(session, MODEL, ["unknown"]) == {}
