"""Write the parts of the documentation that the code already says: `make docs`.

Each generated document is a function of the code, and a test compares the files with it.
"""

import textwrap
from collections.abc import Iterable, Iterator
from pathlib import Path

import click
import duckdb
from click.testing import CliRunner

from newsapi_dentsu.cli.main import COMMANDS, main
from newsapi_dentsu.settings import Settings
from newsapi_dentsu.telemetry.instruments import INSTRUMENTS
from newsapi_dentsu.transfer.foreign_rows import ALIASES
from newsapi_dentsu.warehouse.engines.base import DIMENSIONS
from newsapi_dentsu.warehouse.schema.history import script
from newsapi_dentsu.warehouse.schema.views import views
from newsapi_dentsu.warehouse.tables.dictionary import DICTIONARY, INTERNAL
from newsapi_dentsu.warehouse.tables.run_metrics import METRICS
from tools.flow_picture import flow
from tools.layers import layers_table

ROOT = Path(__file__).resolve().parents[1]

_POSTGRES_TYPES = {
    "VARCHAR": "text",
    "VARCHAR[]": "text[]",
    "BIGINT": "bigint",
    "INTEGER": "integer",
    "BOOLEAN": "boolean",
    "DATE": "date",
    "DOUBLE": "double precision",
    "TIMESTAMP WITH TIME ZONE": "timestamptz",
    f"FLOAT[{DIMENSIONS}]": f"halfvec({DIMENSIONS}) or bytea",
}
"""What PostgreSQL calls each type of DuckDB's that the schema has."""


SETTINGS_TO_KNOW = (
    "newsapi_key",
    "topics_file",
    "lookback_days",
    "duckdb_path",
    "use_postgres",
    "postgres_host",
    "postgres_password",
    "smtp_host",
    "slack_webhook_url",
    "backup_location",
)
"""The ten settings that people set; README shows these."""


def settings_table(fields: Iterable[str]) -> str:
    """Settings as a Markdown table."""
    lines = ["| setting | default | meaning |", "| --- | --- | --- |"]
    for field in fields:
        info = Settings.model_fields[field]
        default = "" if info.default is None else f"`{_value(info.default)}`"
        lines.append(f"| `{field.upper()}` | {default} | {info.description} |")
    return "\n".join(lines)


def readme() -> str:
    """The README with its table of settings renewed."""
    return _renewed("README.md", settings=settings_table(SETTINGS_TO_KNOW))


def configuration() -> str:
    """The page about settings with its table renewed."""
    return _renewed("docs/configuration.md", settings=settings_table(Settings.model_fields))


def architecture() -> str:
    """The page about the architecture with its table of layers renewed."""
    return _renewed("docs/architecture.md", layers=layers_table())


def decisions() -> str:
    """The list of decisions, each with its date, renewed."""
    lines = ["| decision | date |", "| --- | --- |"]
    for path in sorted((ROOT / "docs/decisions").glob("[0-9]*.md")):
        title, _, date, *_ = path.read_text("utf-8").splitlines()
        lines.append(
            f"| [{title.removeprefix('# ')}]({path.name}) | {date.removeprefix('Date: ')} |"
        )
    return _renewed("docs/decisions/README.md", decisions="\n".join(lines))


def migration() -> str:
    """The migration guide with its table of column names renewed."""
    lines = [
        "| a record's field | is taken from the first of these columns that has a value |",
        "| --- | --- |",
        *(f"| `{name}` | {', '.join(aliases)} |" for name, aliases in ALIASES.items()),
    ]
    return _renewed("docs/migration.md", aliases="\n".join(lines))


def health() -> str:
    """The page about the pipeline's health with its table of figures renewed."""
    lines = [
        "| column | meaning |",
        "| --- | --- |",
        *(f"| `{name}` | {meaning} |" for name, meaning in METRICS.items()),
    ]
    sent = [
        "| metric | type | unit | attributes | meaning |",
        "| --- " * 5 + "|",
        *(
            f"| `{item.name}` | {item.kind} | `{item.unit}` | "
            f"{', '.join(f'`{name}`' for name in item.attributes)} | {item.description} |"
            for item in INSTRUMENTS
        ),
    ]
    return _renewed("docs/health.md", metrics="\n".join(lines), instruments="\n".join(sent))


def env_example() -> str:
    """Every setting with its default, for a `.env` file."""
    parts = ["# Copy to .env and edit. Lines that are commented out show the defaults."]
    for name, info in Settings.model_fields.items():
        default = "" if info.default is None else _value(info.default)
        comment = textwrap.fill(
            info.description or "", 98, initial_indent="# ", subsequent_indent="# "
        )
        parts.append(f"{comment}\n#{name.upper()}={default}")
    return "\n\n".join(parts) + "\n"


def data_dictionary() -> str:
    """Every column that people may read, with its type and spelling on both engines."""
    parts = [
        "# Data dictionary",
        "Every table and view that people may read. Times are UTC. Lists in tables are JSON text, "
        "so that both engines read them alike; the views have real lists "
        "([reading.md](reading.md)). Names need no quotes: `SELECT publishedAt` works on DuckDB "
        "and PostgreSQL. DuckDB returns them as they stand here, and PostgreSQL in small letters, "
        "which is named where it differs. The last column of each table here says which field of "
        "the news API, or which rule, fills a column.",
    ]
    types = _types_on_duckdb()
    for table, columns in DICTIONARY.items():
        lines = ["| column | DuckDB | PostgreSQL | meaning | source |", "| --- " * 5 + "|"]
        for name, column in columns.items():
            duckdb_type = types[table][name]
            postgres = _POSTGRES_TYPES[duckdb_type]
            if name != name.lower():
                postgres += f", as `{name.lower()}`"
            lines.append(
                f"| `{name}` | {duckdb_type} | {postgres} "
                f"| {column.description} | {column.source} |"
            )
        parts.append(f"## {table}\n\n" + "\n".join(lines))
    parts.append(
        "## The pipeline's own\n\nAny release may change these: read the others instead.\n\n"
        "| table | what it holds |\n| --- | --- |\n"
        + "\n".join(f"| `{table}` | {meaning} |" for table, meaning in INTERNAL.items())
    )
    return "\n\n".join(parts) + "\n"


def _types_on_duckdb() -> dict[str, dict[str, str]]:
    """The type of each column of each table and view, as the engine itself tells it."""
    with duckdb.connect(":memory:") as connection:
        for statement in script("DuckDB"):
            connection.execute(statement)
        for view, query in views("DuckDB").items():
            connection.execute(f"CREATE OR REPLACE VIEW {view} AS {query}")
        found: dict[str, dict[str, str]] = {}
        for table, column, type_ in connection.execute(
            "SELECT table_schema || '.' || table_name, column_name, data_type "
            "FROM information_schema.columns"
        ).fetchall():
            found.setdefault(table, {})[column] = type_
        return found


def command_line() -> str:
    """The help of every command."""
    parts = ["# The command line", "Each command's own help, as `newsapi help COMMAND` shows it."]
    for name in ("", *_commands()):
        arguments = [*name.split(), "--help"]
        shown = CliRunner().invoke(main, arguments, prog_name="newsapi", terminal_width=90).output
        parts.append(f"## newsapi {name}".rstrip() + f"\n\n```text\n{shown.rstrip()}\n```")
    return "\n\n".join(parts) + "\n"


def _commands() -> Iterator[str]:
    """Every command, and after a group the commands in it."""
    for name in COMMANDS:
        yield name
        command = main.get_command(click.Context(main), name)
        if isinstance(command, click.Group):
            yield from (f"{name} {inner}" for inner in command.commands)


DOCUMENTS = {
    "README.md": readme,
    ".env.example": env_example,
    "docs/architecture.md": architecture,
    "docs/configuration.md": configuration,
    "docs/decisions/README.md": decisions,
    "docs/flow.svg": flow,
    "docs/data-dictionary.md": data_dictionary,
    "docs/command-line.md": command_line,
    "docs/health.md": health,
    "docs/migration.md": migration,
}


def _renewed(document: str, **parts: str) -> str:
    """A document with its generated parts renewed.

    Raises:
        ValueError: the document has no place for a part.
    """
    text = (ROOT / document).read_text("utf-8")
    for part, content in parts.items():
        begin, end = f"<!-- generated: {part} -->", "<!-- /generated -->"
        before, found, rest = text.partition(begin)
        if not found:
            raise ValueError(f"{document} has no line {begin}")
        text = f"{before}{begin}\n{content}\n{end}{rest.partition(end)[2]}"
    return text


def _value(default: object) -> str:
    return str(default).lower() if isinstance(default, bool) else str(default)


if __name__ == "__main__":
    for name, document in DOCUMENTS.items():
        (ROOT / name).write_text(document(), encoding="utf-8")
        click.echo(f"wrote {name}")
