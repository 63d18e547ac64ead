"""`newsapi db`: create, upgrade and check the tables; SQL for administrators; loaded tables."""

import re
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from functools import wraps
from typing import TYPE_CHECKING, Any, Final, Literal, cast

import click
from typing_extensions import override

from newsapi_dentsu.settings import Settings, load_settings

if TYPE_CHECKING:
    from newsapi_dentsu.warehouse.engines.postgres_role import Administrator, Principal


@click.group()
def db() -> None:
    """Create, upgrade and check the database's tables."""


@db.command()
@click.option(
    "--keep-way-back",
    is_flag=True,
    help="Do nothing where the program that made the tables would then refuse them.",
)
def upgrade(*, keep_way_back: bool) -> None:
    """Create the tables or bring them to this version.

    Safe to run from several containers at once, and while the pipeline runs: it waits for the run
    to end (RUN_WAIT_SECONDS). With PostgreSQL, Dagster's own tables are created and upgraded too.
    """
    from newsapi_dentsu.errors import WarehouseError
    from newsapi_dentsu.warehouse import open_warehouse
    from newsapi_dentsu.warehouse.schema.views import grant_reader_if_there

    settings = load_settings()
    with closing(open_warehouse(settings)) as warehouse:
        steps = []
        if keep_way_back and (closing_steps := warehouse.closing_the_way_back()):
            shown = ", ".join(f"{step.version:04} {step.name}" for step in closing_steps)
            raise WarehouseError(
                f"after {shown} the program of before would refuse the tables, so nothing was "
                "changed. Take a backup, then upgrade without --keep-way-back; a release does both "
                "with --no-way-back."
            )
        if warehouse.is_behind():
            with warehouse.run_lock("newsapi db upgrade", settings.run_wait_seconds):
                steps = warehouse.upgrade()
        if settings.use_postgres:
            # The role for readers may be younger than the views.
            warehouse.write(grant_reader_if_there)
        for step in steps:
            click.echo(f"applied {step.version:04} {step.name}")
        click.echo(f"{warehouse.location}: the tables are up to date")
    if settings.use_postgres:
        from newsapi_dentsu.hosting.execution import upgrade_records

        upgrade_records(settings)
        click.echo("Dagster's tables in schema dagster are up to date")


@db.command()
def check() -> None:
    """Say whether tables, columns, keys and indexes are as this version wants them.

    Exit code 0 when they are, 1 when not or when the database can't be reached.
    """
    from newsapi_dentsu.warehouse import open_warehouse
    from newsapi_dentsu.warehouse.schema import history
    from newsapi_dentsu.warehouse.schema.inspection import differences

    with closing(open_warehouse(load_settings())) as warehouse:
        problems = warehouse.inspect(lambda session: differences(warehouse.engine, session))
        for problem in problems:
            click.echo(f"{warehouse.location}: {problem}")
        if problems:
            raise SystemExit(1)
        version = history.migrations()[-1].version
        click.echo(f"{warehouse.location}: as this program wants it (schema version {version})")


@db.command()
@click.option(
    "--admin", is_flag=True, help="Only what needs an administrator; `db upgrade` does the rest."
)
def sql(*, admin: bool) -> None:
    """Print the SQL that creates everything on an empty database.

    For PostgreSQL it begins with what a role that may not create schemas needs from an
    administrator of the database.
    """
    for line in _script(load_settings(), admin=admin):
        click.echo(line)


def _as_administrator(command: Callable[..., None]) -> Callable[..., None]:
    """The options of a command that acts as an administrator of the server, as its `admin`."""

    @click.option(
        "--admin-user",
        envvar="POSTGRES_ADMIN_USER",
        show_envvar=True,
        required=True,
        help="The administrator's role.",
    )
    @click.option(
        "--admin-password",
        envvar="POSTGRES_ADMIN_PASSWORD",
        show_envvar=True,
        help="The administrator's password; asked for where it is needed.",
    )
    @click.option(
        "--admin-auth",
        type=click.Choice(["password", "entra"]),
        envvar="POSTGRES_ADMIN_AUTH",
        show_envvar=True,
        default="password",
        show_default=True,
        help="Log in with the password, or with Microsoft Entra tokens of the machine's identity.",
    )
    @wraps(command)
    def acting(
        *, admin_user: str, admin_password: str | None, admin_auth: str, **rest: Any
    ) -> None:
        from pydantic import SecretStr

        from newsapi_dentsu.warehouse.engines.postgres_role import Administrator

        password = None
        if admin_auth == "password":
            typed = admin_password or click.prompt("Admin password", hide_input=True)
            password = SecretStr(typed)
        command(admin=Administrator(admin_user, password), **rest)

    return acting


class _PrincipalType(click.ParamType["Principal"]):
    """`NAME=OBJECT-ID`, or `NAME=OBJECT-ID:group` and `:user`."""

    name = "name=object-id"
    _FORM: Final = re.compile(r"([^=]{1,63})=([0-9a-fA-F-]{36})(?::(service|group|user))?")

    @override
    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> "Principal":
        from newsapi_dentsu.warehouse.engines.postgres_role import Principal

        found = self._FORM.fullmatch(value)
        if found is None:
            self.fail(
                f"{value}: give NAME=OBJECT-ID of an identity, with :group or :user for those",
                param,
                ctx,
            )
        kind = cast("Literal['service', 'group', 'user']", found[3] or "service")
        return Principal(found[1], found[2], kind)


@db.command()
@_as_administrator
@click.option(
    "--login",
    "logins",
    type=_PrincipalType(),
    multiple=True,
    envvar="POSTGRES_ROLE_LOGINS",
    show_envvar=True,
    help="On Azure: an identity that logs in as itself and acts as the role; several times.",
)
@click.option(
    "--reader",
    "readers",
    type=_PrincipalType(),
    multiple=True,
    envvar="NEWS_READER_LOGINS",
    show_envvar=True,
    help="On Azure: an identity, or with :group a group of people, that reads as news_reader.",
)
def role(
    *, admin: "Administrator", logins: tuple["Principal", ...], readers: tuple["Principal", ...]
) -> None:
    """Make the role that the settings name, as an administrator of the PostgreSQL server.

    Creates POSTGRES_ROLE, or POSTGRES_USER, where there is none, sets POSTGRES_PASSWORD (or what is
    at POSTGRES_PASSWORD_URL) as its password, creates the schemas and grants the role what it needs
    in them. With POSTGRES_ROLE, the role itself is no login. Run again, it changes nothing but the
    password.
    """
    from newsapi_dentsu.warehouse.engines.postgres_role import let_in, prepare_role
    from newsapi_dentsu.warehouse.schema import views

    settings = load_settings()
    if not settings.use_postgres:
        raise click.UsageError("only PostgreSQL has roles: set USE_POSTGRES=true")
    alone = settings.postgres_role is None
    prepare_role(settings, admin, _needed_of_admin(settings), logs_in=alone)
    let_in(settings, admin, settings.owner_role, logins)
    if readers:
        reading = settings.model_copy(
            update={
                "postgres_role": views.READER,
                "postgres_password": None,
                "postgres_password_url": None,
            }
        )
        prepare_role(reading, admin, [views.READER_SEES_SCHEMA], logs_in=False)
        let_in(settings, admin, views.READER, readers)
    members = ", ".join(one.name for one in logins)
    who = settings.owner_role if alone else f"{members or 'nobody yet'}, as {settings.owner_role},"
    click.echo(f"{who} may log in to {settings.postgres_db} and has its schemas")
    if readers:
        click.echo(f"{', '.join(one.name for one in readers)} may read as {views.READER}")


@db.command()
@_as_administrator
@click.option(
    "--within-days",
    type=click.IntRange(0, 365),
    default=35,
    show_default=True,
    help="Change a password that expires in so many days.",
)
@click.option(
    "--valid-days",
    type=click.IntRange(1, 3650),
    default=90,
    show_default=True,
    help="How long the new password holds.",
)
def rotate(*, admin: "Administrator", within_days: int, valid_days: int) -> None:
    """Change the password that the pipeline logs in with, where it is about to expire.

    The new one goes to Azure Key Vault (POSTGRES_PASSWORD_URL) and to the PostgreSQL server. Runs
    under way go on: a connection that is open stays so, and a new one asks the vault. Run again,
    it finishes what was interrupted, or says that there is nothing to do.
    """
    from newsapi_dentsu.warehouse.engines.postgres_role import rotate_password

    settings = load_settings()
    if not settings.use_postgres or settings.postgres_password_url is None:
        raise click.UsageError(
            "set USE_POSTGRES=true and POSTGRES_PASSWORD_URL: only a password in a vault is rotated"
        )
    done = rotate_password(
        settings,
        settings.postgres_password_url,
        admin,
        now=datetime.now(UTC),
        within=timedelta(days=within_days),
        valid=timedelta(days=valid_days),
    )
    click.echo(done)


@db.command()
@_as_administrator
@click.option(
    "--reader-password",
    envvar="NEWS_READER_PASSWORD",
    show_envvar=True,
    prompt=True,
    hide_input=True,
    confirmation_prompt=True,
    help="The password that news_reader gets.",
)
def reader(*, admin: "Administrator", reader_password: str) -> None:
    """Make the role news_reader, which reads the views of schema final and nothing else.

    For analysts and their tools. Run again, it changes nothing but the password; upgrades keep its
    rights on views that they make anew.
    """
    from pydantic import SecretStr

    from newsapi_dentsu.warehouse import open_warehouse
    from newsapi_dentsu.warehouse.engines.postgres_role import prepare_role
    from newsapi_dentsu.warehouse.schema import views

    settings = load_settings()
    if not settings.use_postgres:
        raise click.UsageError("only PostgreSQL has roles: set USE_POSTGRES=true")
    with closing(open_warehouse(settings)) as warehouse:
        with warehouse.snapshot():
            """There are tables, of this version."""
        login = settings.model_copy(
            update={
                "postgres_role": views.READER,
                "postgres_password": SecretStr(reader_password),
                "postgres_password_url": None,
            }
        )
        prepare_role(login, admin, [views.READER_SEES_SCHEMA])
        warehouse.write(views.grant_reader)
    click.echo(f"{views.READER} may log in to {settings.postgres_db} and read its views")


def _needed_of_admin(settings: Settings) -> Iterator[str]:
    """What a role that may not create schemas needs from an administrator."""
    from newsapi_dentsu.hosting.home import DAGSTER_SCHEMA
    from newsapi_dentsu.warehouse.engines.postgres import CREATE_PGVECTOR
    from newsapi_dentsu.warehouse.engines.quoting import quoted_name
    from newsapi_dentsu.warehouse.schema import history

    role = quoted_name(settings.owner_role)
    for name in (*history.schemas(), DAGSTER_SCHEMA):
        yield f"CREATE SCHEMA IF NOT EXISTS {name}"
        yield f"GRANT USAGE, CREATE ON SCHEMA {name} TO {role}"
    yield CREATE_PGVECTOR


def _script(settings: Settings, *, admin: bool) -> Iterator[str]:
    from newsapi_dentsu.warehouse.engines.quoting import quoted_name
    from newsapi_dentsu.warehouse.schema import history

    version = history.migrations()[-1].version
    yield f"-- newsapi-dentsu, schema version {version}."
    if settings.use_postgres:
        yield f"-- By an administrator, in the database {settings.postgres_db}:"
        yield from (f"{statement};" for statement in _needed_of_admin(settings))
        if admin:
            return
        yield f"-- As {settings.owner_role}, who must own the tables (`newsapi db upgrade`):"
        yield f"SET ROLE {quoted_name(settings.owner_role)};"
    elif admin:
        yield "-- DuckDB needs nothing of an administrator."
        return
    yield "BEGIN;"
    for statement in history.script("PostgreSQL" if settings.use_postgres else "DuckDB"):
        # The administrator has made the schemas; whoever may make none may not ask for one either.
        if not (settings.use_postgres and statement.startswith("CREATE SCHEMA")):
            yield f"{statement};"
    yield "COMMIT;"


@db.command()
def tidy() -> None:
    """Delete the vectors of texts that no article has any more, and of other models.

    What a later run needs again it makes again.
    """
    from newsapi_dentsu.meaning import open_embedder
    from newsapi_dentsu.stages import understand
    from newsapi_dentsu.warehouse import open_warehouse

    settings = load_settings()
    with (
        closing(open_warehouse(settings)) as warehouse,
        warehouse.run_lock("newsapi db tidy", settings.run_wait_seconds),
    ):
        deleted = understand.tidy(warehouse, open_embedder(settings).model)
    click.echo(f"deleted {deleted:,} vectors")


@db.command()
def adopt() -> None:
    r"""Go on with tables that were filled from outside, as by \COPY in psql.

    Sets the sequence numbers and where each stage has come to by the rows that are there. The
    next run takes what is not accounted for; rows that come out the same stay untouched.
    """
    from newsapi_dentsu.transfer import adoption
    from newsapi_dentsu.warehouse import open_warehouse

    settings = load_settings()
    with (
        closing(open_warehouse(settings)) as warehouse,
        warehouse.run_lock("newsapi db adopt", settings.run_wait_seconds),
    ):
        warehouse.upgrade()
        adopted = warehouse.write(adoption.adopt)
    for name, value in adopted.positions.items():
        click.echo(f"  {name:<22}{value:>12,}")
    for stage, count in adopted.waiting.items():
        if count:
            click.echo(f"  {count:,} rows wait to be {stage}: the next run takes them")
    if not adopted.watermark:
        click.echo(
            f"There is no watermark (raw.queries): the next run reads the last "
            f"{settings.lookback_days} days again; records that are known cost tokens, but are "
            "not stored twice."
        )
