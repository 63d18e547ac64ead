"""What analysts' tools do with their drivers: they list the reader's views and read every value.

Metabase asks through JDBC, others through ODBC. Both drivers are packages of Debian
(`libpostgresql-jdbc-java` with a JDK, `odbc-postgresql` with `unixodbc`).
"""

import shutil
import subprocess
from pathlib import Path

import pytest

from newsapi_dentsu.warehouse.schema import views
from support.commands import run_newsapi

from .server import Server

JDBC = Path("/usr/share/java/postgresql.jar")
PASSWORD = "readers;password"

pytestmark = pytest.mark.slow


@pytest.fixture
def filled(server: Server, db_name: str, tmp_path: Path) -> dict[str, int]:
    """The rows of each view, once the sandbox's articles are there and the reader may log in."""
    admin = {"POSTGRES_ADMIN_USER": "postgres", "POSTGRES_ADMIN_PASSWORD": "administrator"}
    with server.admin() as superuser:
        superuser.execute("ALTER ROLE postgres PASSWORD 'administrator'")
    settings = server.settings(db_name) | admin
    settings |= {"NEWS_READER_PASSWORD": PASSWORD, "NEWSAPI_SANDBOX": "always"}
    for command in (["run"], ["db", "reader"]):
        done = run_newsapi(command, tmp_path, settings, tmp_path)
        assert done.code == 0, done.out + done.err
    with server.admin(db_name) as superuser:
        counted = {
            view: superuser.execute(f"SELECT count(*) FROM {view}".encode()).fetchone()
            for view in [*views.views("PostgreSQL"), *views.SEARCHED]
        }
    rows = {view: count[0] for view, count in counted.items() if count}
    assert rows["final.articles"] > 100
    return rows


@pytest.mark.skipif(
    not (JDBC.exists() and shutil.which("javac")), reason="no JDBC driver of Debian, or no JDK"
)
def test_jdbc_lists_the_views_and_reads_every_value(
    server: Server, db_name: str, filled: dict[str, int]
) -> None:
    address = (
        f"jdbc:postgresql://127.0.0.1:{server.port}/{db_name}"
        f"?user={views.READER}&password={PASSWORD.replace(';', '%3B')}"
    )
    program = Path(__file__).with_name("Reading.java")
    done = subprocess.run(
        ["java", "-cp", str(JDBC), str(program), address],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    read = {
        name: (int(columns), int(rows))
        for name, columns, rows in map(str.split, done.stdout.splitlines())
    }
    assert {name: rows for name, (_, rows) in read.items()} == filled
    assert all(columns for columns, _ in read.values())


@pytest.mark.skipif(not shutil.which("isql"), reason="no isql")
def test_odbc_reads_every_view(server: Server, db_name: str, filled: dict[str, int]) -> None:
    login = (
        f"Driver={{PostgreSQL Unicode}};Server=127.0.0.1;Port={server.port};"
        f"Database={db_name};UID={views.READER};PWD={{{PASSWORD}}};UseDeclareFetch=1"
    )
    for view, rows in filled.items():
        done = subprocess.run(
            ["isql", "-k", login],
            input=f"SELECT * FROM {view}\n",
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert f"{rows} rows fetched" in done.stdout if rows else "rows fetched" not in done.stdout
