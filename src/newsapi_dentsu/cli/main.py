"""The command group: what there is, in the order in which a newcomer needs it."""

import importlib
import keyword
import logging
import os
import sys
from pathlib import Path
from typing import Any

import click
from typing_extensions import override

from newsapi_dentsu.cli.streams import guarded
from newsapi_dentsu.errors import OutputError, PipelineError, query_interrupts

logger = logging.getLogger(__name__)

GUIDE = """\
AI and marketing news, each article once: from newsapi.ai to three tables.

\b
Start:
  newsapi run            fetch what is new, deduplicate it, filter it
  newsapi status         how far it is, how many rows, the last runs
  newsapi serve          a page to read the news, feeds and a REST API
  newsapi digest         what mattered in the last seven days
  newsapi trends         how much there was week by week, and what rises
  newsapi articles       read or export the articles
  newsapi dev            the Dagster UI and the six-hourly schedule

Without NEWSAPI_KEY the built-in sandbox stands in for the real API, with sample articles. Settings
come from the environment or a .env file: `newsapi config` lists them. `newsapi help COMMAND` says
what a command does.

Files and pipes get UTF-8 (PYTHONIOENCODING chooses another encoding). A terminal gets its locale's
encoding, with ? for what this lacks, and characters that would act on it are written out (\\x1b).
"""

COMMANDS = {
    "run": "running",
    "backfill": "backfill",
    "status": "status",
    "articles": "articles",
    "serve": "serve",
    "digest": "digest",
    "trends": "trends",
    "keys": "keys",
    "searches": "searches",
    "explain": "explain",
    "dev": "dev",
    "daemon": "daemon",
    "dashboard": "dashboard",
    "doctor": "doctor",
    "prune": "prune",
    "db": "db",
    "migrate": "migrate",
    "export": "migrate",
    "import": "migrate",
    "backup": "backup",
    "archive": "archive",
    "restore": "restore",
    "rebuild": "rebuild",
    "failover": "failover",
    "alerts": "alerts",
    "home": "home",
    "sandbox": "sandbox",
    "topics": "topics",
    "wrapping": "wrapping",
    "config": "configuration",
    "help": "main",
}
"""Each command and the module that holds it, imported only when the command is used."""


COMPLETE = "_NEWSAPI_COMPLETE"
"""The variable by which a shell asks for completions, as Click derives it from the name."""


class _Commands(click.Group):
    @override
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    @override
    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        module = COMMANDS.get(cmd_name)
        if module is None:
            return None
        command: click.Command = getattr(
            importlib.import_module(f"newsapi_dentsu.cli.{module}"),
            # `import` is a word of the language.
            f"{cmd_name}_" if keyword.iskeyword(cmd_name) else cmd_name,
        )
        return command

    @override
    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        for argument in args:
            if not (_is_text(argument) or Path(argument).exists()):
                raise click.UsageError(f"must be UTF-8 text: {argument}", ctx)
        return super().parse_args(ctx, args)

    @override
    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.NoSuchCommand as error:
            # The group's own table is empty: commands are imported when they are used.
            raise click.NoSuchCommand(error.command_name, possibilities=COMMANDS, ctx=ctx) from None

    @override
    def main(self, *arguments: Any, **options: Any) -> Any:
        if COMPLETE in os.environ:
            # A shell asks for completions, which Click writes as bytes.
            return super().main(*arguments, **options)
        with guarded():
            return super().main(*arguments, **options)

    @override
    def invoke(self, ctx: click.Context) -> Any:
        try:
            with query_interrupts():
                return super().invoke(ctx)
        except BrokenPipeError:
            # Click would exit with 1 where somebody has read enough.
            raise SystemExit(0) from None
        except OutputError:
            raise
        except PipelineError as error:
            from newsapi_dentsu import logs

            if logs.writes_json(sys.stderr):
                logger.error(str(error), exc_info=error)
                ctx.exit(1)
            raise click.ClickException(logs.without_secrets(str(error))) from error


def _is_text(argument: str) -> bool:
    """Whether an argument is text; bytes in another encoding arrive as half characters."""
    try:
        argument.encode()
    except UnicodeEncodeError:
        return False
    return True


@click.command(cls=_Commands, help=GUIDE, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="newsapi-dentsu", message="%(version)s")
def main() -> None:
    """Set up what all commands share."""
    from newsapi_dentsu import logs

    logs.configure_command()
    from newsapi_dentsu.settings import mistakes_in_env_file

    for sentence in mistakes_in_env_file():
        logger.warning(sentence)


@click.command()
@click.argument("command", nargs=-1)
@click.pass_context
def help(ctx: click.Context, command: tuple[str, ...]) -> None:
    """Show what a command does, as `newsapi COMMAND --help` does."""
    root = ctx.find_root()
    root.command.main([*command, "--help"], prog_name=root.info_name)
