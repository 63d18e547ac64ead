"""The data dictionary tells of every table and view what the engine itself tells."""

import re
from collections.abc import Iterator

from tools.generate_docs import ROOT

from newsapi_dentsu.warehouse import Warehouse
from newsapi_dentsu.warehouse.tables.dictionary import INTERNAL

PAGE = (ROOT / "docs/data-dictionary.md").read_text("utf-8")
ROW = re.compile(r"^\| `(\w+)` \| ([^|]+) \| ([^|]+) \|", re.MULTILINE)
SCHEMAS = "('raw', 'processed', 'final', 'ops')"
COLUMNS = {
    "DuckDB": "SELECT table_schema || '.' || table_name, column_name, data_type "
    f"FROM information_schema.columns WHERE table_schema IN {SCHEMAS}",
    "PostgreSQL": "SELECT n.nspname || '.' || c.relname, a.attname, "
    "format_type(a.atttypid, a.atttypmod) FROM pg_attribute a "
    "JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace "
    "WHERE c.relkind IN ('r', 'v') AND a.attnum > 0 AND NOT a.attisdropped "
    f"AND n.nspname IN {SCHEMAS}",
}

Tables = dict[str, dict[str, str]]


def told(warehouse: Warehouse) -> Tables:
    """Each table and view with its columns, spelled and typed as the engine returns them."""
    found: Tables = {}
    with warehouse.snapshot() as session:
        for table, column, type_ in session.rows(COLUMNS[warehouse.engine.name]):
            short = "timestamptz" if warehouse.engine.name == "PostgreSQL" else type_
            shown = short if type_ == "timestamp with time zone" else type_
            found.setdefault(table, {})[column] = shown.removeprefix("public.")
    return found


def written(engine: str, found: Tables) -> Iterator[tuple[str, str, str]]:
    """Table, column and type on an engine, as the page has them."""
    for section in re.split(r"^## ", PAGE, flags=re.MULTILINE)[1:]:
        table = section.partition("\n")[0]
        for name, duckdb, postgres in ROW.findall(section):
            type_, _, spelled = postgres.partition(", as ")
            if engine == "DuckDB":
                yield table, name, duckdb
                continue
            column = spelled.strip("`") or name
            # Vectors are kept in another type where the server has no pgvector.
            actual = found.get(table, {}).get(column, "")
            yield table, column, actual if actual in type_.split(" or ") else type_


def test_every_table_and_column_is_there_with_type_and_spelling(warehouse: Warehouse) -> None:
    found = told(warehouse)
    page: Tables = {}
    for table, column, type_ in written(warehouse.engine.name, found):
        page.setdefault(table, {})[column] = type_

    own = {table for table in INTERNAL if f"| `{table}` |" in PAGE}
    assert own == set(INTERNAL)
    assert page == {table: columns for table, columns in found.items() if table not in own}
