"""`newsapi alerts`: evaluating the rules outside of the daemon, and managing the notices."""

import re
from datetime import UTC, datetime, timedelta

import click

from newsapi_dentsu.cli.output import console
from newsapi_dentsu.domain.alerts.incidents import AlertState, Delivery
from newsapi_dentsu.domain.alerts.rules import CHANNELS, TITLES, ChannelName, RuleName
from newsapi_dentsu.settings import Settings, load_settings

_SPAN = re.compile(r"([0-9]+)\s*(m|h|d)")
_UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}
_LONGEST = timedelta(days=365)


class _Span(click.ParamType[timedelta]):
    """A span of time such as 30m, 2h or 1d."""

    name = "span"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> timedelta:
        """Read a span, or fail with the forms that there are."""
        match = _SPAN.fullmatch(str(value).strip().lower())
        # Six digits are more than a year in each unit; thousands would not even be a number.
        if match is None or len(digits := match[1].lstrip("0")) == 0:
            self.fail("must be a span such as 30m, 2h or 1d", param, ctx)
        if len(digits) > 6 or (span := int(digits) * _UNITS[match[2]]) > _LONGEST:
            self.fail("must be a span of at most 365d", param, ctx)
        return span


@click.group()
def alerts() -> None:
    """Alerts: evaluate the rules, test channels, silence rules."""


@alerts.command()
def check() -> None:
    """Evaluate every rule now, notify operators of what is new, and show what is wrong.

    The daemon does the same once an hour; but a daemon that is dead can't say so. So run this from
    cron or as a scheduled job. No notice is sent twice, whoever evaluates the rules. The exit code
    is 1 while something is wrong, or when a notice reached nobody.
    """
    from newsapi_dentsu.defs.alerts import evaluate_alerts
    from newsapi_dentsu.hosting.execution import opened_records
    from newsapi_dentsu.hosting.home import prepare_home
    from newsapi_dentsu.wording import duration

    settings = load_settings()
    home = prepare_home(settings)
    now = datetime.now(UTC)
    report = evaluate_alerts(lambda: opened_records(settings, home), settings, now, in_daemon=False)
    for incident in report.open:
        click.echo(
            f"{incident.severity:<9} {incident.title} ({incident.rule}), since "
            f"{incident.opened_at:%Y-%m-%d %H:%M} UTC ({duration(now - incident.opened_at)}): "
            f"{incident.summary}"
        )
    for one in report.sent:
        state = "notified by" if one.accepted else "could not notify by"
        click.echo(f"{state} {one.channel}: {one.headline} ({one.answer})")
    if not report.open:
        click.echo("all is well")
    if report.trouble:
        click.echo(f"the rules about the tables wait: {report.trouble}", err=True)
    if report.kept:
        reason = "no channel took them" if report.channels else "no channel is set up"
        click.echo(
            f"{report.kept} reached nobody and wait for the next evaluation: {reason}", err=True
        )
    if report.open or (report.kept and report.channels):
        raise SystemExit(1)


@alerts.command()
@click.argument("channel", type=click.Choice(CHANNELS))
def test(channel: ChannelName) -> None:
    """Send a test message by a channel and show what the other side answered."""
    from newsapi_dentsu.alerts.channel import PATIENCE_SECONDS, DeliveryError
    from newsapi_dentsu.alerts.channels import NEEDED, open_channels
    from newsapi_dentsu.alerts.evaluation import place_of
    from newsapi_dentsu.deadline import Deadline
    from newsapi_dentsu.masking import known_secrets, mask
    from newsapi_dentsu.warehouse import open_warehouse

    settings = load_settings()
    chosen = next((one for one in open_channels(settings) if one.name == channel), None)
    if chosen is None:
        raise click.ClickException(f"{channel} is not set up: set {NEEDED[channel]}")
    place = place_of(settings, open_warehouse(settings))
    secrets = known_secrets(settings)
    try:
        answer = chosen.test(place, Deadline.after(PATIENCE_SECONDS))
    except DeliveryError as error:
        raise click.ClickException(f"{channel}: {mask(str(error), secrets)}") from None
    click.echo(f"{channel} answered: {mask(answer, secrets)}")


@alerts.command("list")
@click.option(
    "--deliveries",
    type=click.IntRange(0, 10_000),
    default=10,
    show_default=True,
    help="How many deliveries to show.",
)
def list_(*, deliveries: int) -> None:
    """Show the rules, what is wrong at the moment, silences and the last deliveries."""
    from newsapi_dentsu.alerts.channels import open_channels
    from newsapi_dentsu.alerts.rules_file import load_rules, rules_path

    settings = load_settings()
    rules = load_rules(settings)
    configured = [channel.name for channel in open_channels(settings)]
    now = datetime.now(UTC)
    state, last, trouble = _remembered(settings, now, deliveries)
    screen = console(stderr=False)
    screen.print(f"rules of {rules_path(settings)}", markup=False)
    for name, title in TITLES.items():
        rule = rules.rule(name)
        opened = [one for one in state.open_incidents if one.rule == name]
        if not rule.enabled:
            shown = "off"
        elif opened:
            shown = f"OPEN since {opened[0].opened_at:%Y-%m-%d %H:%M} UTC: {opened[0].summary}"
            if len(opened) > 1:
                shown += f"; and {len(opened) - 1} more"
        else:
            shown = "ok"
        if state.silenced(name, now):
            shown += f" (silent until {state.silences[name]:%Y-%m-%d %H:%M} UTC)"
        to = ", ".join(
            channel if channel in configured else f"({channel})"
            for channel in rules.channels_of(rule.severity)
        )
        screen.print(f"  {name:<17} {title:<27} {rule.severity:<9} {to:<20} {shown}", markup=False)
    missing = [channel for channel in CHANNELS if channel not in configured]
    if missing:
        screen.print(f"not set up: {', '.join(missing)}", markup=False)
    screen.print("last deliveries")
    for one in last:
        screen.print(
            f"  {one.tried_at:%Y-%m-%d %H:%M} UTC  {one.channel:<10} {one.status:<10} "
            f"{one.notice_id}  {one.answer}",
            markup=False,
        )
    if not last:
        screen.print("  none")
    if trouble:
        click.echo(f"as far as is known here: {trouble}", err=True)


@alerts.command()
@click.argument("rule", type=click.Choice(list(TITLES)))
@click.option("--for", "span", type=_Span(), required=True, help="How long, such as 30m, 2h, 1d.")
def silence(*, rule: RuleName, span: timedelta) -> None:
    """Notify nobody of a rule for a while; what is still wrong afterwards is told then."""
    from newsapi_dentsu.alerts.evaluation import watched_warehouse
    from newsapi_dentsu.hosting.home import database_prepared
    from newsapi_dentsu.warehouse.tables.alerts import save_silence

    settings = load_settings()
    until = datetime.now(UTC) + span
    with database_prepared(settings, "newsapi alerts silence"):
        pass
    with watched_warehouse(settings) as warehouse:
        warehouse.write(lambda session: save_silence(session, rule, until))
    click.echo(f"{rule} is silent until {until:%Y-%m-%d %H:%M} UTC")


def _remembered(
    settings: Settings, now: datetime, deliveries: int
) -> tuple[AlertState, list[Delivery], str | None]:
    """The state and the last deliveries; without the warehouse, those that the state knows."""
    from newsapi_dentsu.alerts.evaluation import watched_warehouse
    from newsapi_dentsu.alerts.state_store import StateStore
    from newsapi_dentsu.warehouse.tables.alerts import last_deliveries

    with watched_warehouse(settings) as warehouse:
        store = StateStore(warehouse, settings.home)
        state, last = store.load(now, lambda session: last_deliveries(session, deliveries))
        if last is None:
            known = sorted(state.deliveries.values(), key=lambda one: one.tried_at, reverse=True)
            last = known[:deliveries]
    return state, last, store.trouble
