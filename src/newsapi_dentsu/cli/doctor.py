"""`newsapi doctor`: is everything there that a deployment needs?"""

import dataclasses
import json
from datetime import UTC, datetime

import click

from newsapi_dentsu import logs
from newsapi_dentsu.cli.output import console

_COLOURS = {"ok": "green", "warning": "yellow", "problem": "red"}


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print a JSON array of the findings.")
def doctor(*, as_json: bool) -> None:
    """Examine settings, API, database, daemon, schedule, space, backups and clock, with the fixes.

    Exit code 1 when there is a problem. Asks the API for the tokens, which costs none.
    """
    from newsapi_dentsu.health.doctor import diagnose

    screen = console(stderr=False)
    findings = []
    for finding in diagnose(datetime.now(UTC)):
        findings.append(finding)
        if not as_json:
            colour = _COLOURS[finding.state]
            screen.print(f"[{colour}]{finding.state:<8}[/]", end="")
            line = f"{finding.check:<11} {finding.detail}"
            if finding.fix:
                line += f"  → {finding.fix}"
            screen.print(logs.without_secrets(line), markup=False)
    if as_json:
        text = json.dumps([dataclasses.asdict(finding) for finding in findings])
        click.echo(logs.without_secrets(text))
    if any(finding.state == "problem" for finding in findings):
        raise SystemExit(1)
