"""Vectors are kept by pgvector where the pipeline's role may use it, else as bytes."""

import re
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from newsapi_dentsu.meaning import sentence_model
from newsapi_dentsu.warehouse import Warehouse
from newsapi_dentsu.warehouse.engines.postgres import CREATE_PGVECTOR, PostgresEngine
from newsapi_dentsu.warehouse.tables import embeddings
from support.databases import PostgresDatabase, PostgresDatabases, disconnect

ROLE, PASSWORD = "no_superuser", "of the role"


@pytest.fixture
def place(postgres_databases: PostgresDatabases) -> Iterator[PostgresDatabase]:
    """A database of a role that may not create extensions."""
    made = postgres_databases.create(tables=False)
    with superuser(made) as connection:
        if not connection.execute("SELECT FROM pg_roles WHERE rolname = %s", [ROLE]).rowcount:
            connection.execute(
                sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(
                    sql.Identifier(ROLE), sql.Literal(PASSWORD)
                )
            )
        connection.execute(
            sql.SQL("GRANT CREATE ON DATABASE {} TO {}").format(
                sql.Identifier(made.name), sql.Identifier(ROLE)
            )
        )
    yield made
    postgres_databases.drop(made)


def superuser(place: PostgresDatabase) -> psycopg.Connection:
    return psycopg.connect(**place.server, dbname=place.name, autocommit=True)


def form_after_upgrade(place: PostgresDatabase) -> str:
    server = {**place.server, "user": ROLE, "password": PASSWORD}
    warehouse = Warehouse(PostgresEngine(**server, database=place.name, wait=5))
    warehouse.upgrade()
    (vector,) = sentence_model().embed(["text"])
    with warehouse.transaction() as session:
        embeddings.save(session, "model", {"a": vector})
        assert (embeddings.vectors(session, "model", ["a"])["a"] == vector).all()
        found = embeddings.form(session)
    disconnect(warehouse)
    return found


def test_whoever_may_not_create_the_extension_keeps_bytes(place: PostgresDatabase) -> None:
    assert form_after_upgrade(place) == "as bytes, without pgvector"


def test_an_administrator_can_create_it_before(place: PostgresDatabase) -> None:
    with superuser(place) as connection:
        connection.execute(CREATE_PGVECTOR)
        connection.execute(CREATE_PGVECTOR)
    assert form_after_upgrade(place) == "as halfvec of pgvector"


@pytest.mark.parametrize("schema", ["public", "Odd schema", "pg_catalog"])
def test_an_extension_that_is_there_is_used_wherever_it_is(
    place: PostgresDatabase, schema: str
) -> None:
    with superuser(place) as connection:
        name = sql.Identifier(schema)
        if schema == "Odd schema":
            connection.execute(sql.SQL("CREATE SCHEMA {}").format(name))
        connection.execute(sql.SQL("GRANT USAGE ON SCHEMA {} TO PUBLIC").format(name))
        connection.execute(sql.SQL("CREATE EXTENSION vector SCHEMA {}").format(name))
    assert form_after_upgrade(place) == "as halfvec of pgvector"


def test_an_extension_that_the_role_may_not_use_is_none(place: PostgresDatabase) -> None:
    with superuser(place) as connection:
        connection.execute("CREATE SCHEMA closed")
        connection.execute("CREATE EXTENSION vector SCHEMA closed")
    assert form_after_upgrade(place) == "as bytes, without pgvector"


def test_an_extension_of_before_halfvec_is_none(place: PostgresDatabase) -> None:
    with superuser(place) as connection:
        connection.execute("CREATE EXTENSION vector")
        connection.execute("ALTER TYPE halfvec RENAME TO unknown_before")
    assert form_after_upgrade(place) == "as bytes, without pgvector"


def test_from_bytes_to_halfvec_as_the_documentation_says(place: PostgresDatabase) -> None:
    assert form_after_upgrade(place) == "as bytes, without pgvector"
    text = (Path(__file__).parents[2] / "docs/meaning.md").read_text("utf-8")
    (statements,) = re.findall(r"```sql\n(.*?)```", text, re.DOTALL)
    with superuser(place) as connection:
        connection.execute(CREATE_PGVECTOR)
        connection.execute(statements)
    assert form_after_upgrade(place) == "as halfvec of pgvector"
