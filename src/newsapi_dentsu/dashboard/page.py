"""Writing the page: one HTML document with its styles, script, chart library and numbers."""

import base64
import hashlib
import json
from datetime import UTC, datetime, timedelta
from importlib import resources
from typing import Any

import jinja2

from newsapi_dentsu.dashboard.health import Chart, Health
from newsapi_dentsu.wording import duration, size

_ASSETS = resources.files("newsapi_dentsu.dashboard") / "assets"


def render(health: Health) -> str:
    """The page as HTML; it loads nothing from anywhere."""
    scripts = [_asset("chart.umd.min.js"), _asset("page.js")]
    style = _asset("page.css")
    environment = jinja2.Environment(
        autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined
    )
    environment.filters["moment"] = moment_text
    environment.filters["value"] = value_text
    environment.filters["duration"] = lambda seconds: duration(timedelta(seconds=seconds))
    environment.globals["summary"] = summary
    environment.globals["dash"] = _dash
    template = environment.from_string(_asset("page.html"))
    return template.render(
        health=health,
        style=style,
        scripts=scripts,
        # The browser runs these texts and no others, whatever an error's message may hold.
        policy="; ".join(
            [
                "default-src 'none'",
                f"script-src {' '.join(map(_digest, scripts))}",
                f"style-src {_digest(style)}",
                "img-src data:",
                "base-uri 'none'",
                "form-action 'none'",
            ]
        ),
        data=json.dumps({chart.id: _drawn(chart) for chart in health.charts}).replace(
            "<", "\\u003c"
        ),
    )


def summary(chart: Chart) -> str:
    """What a chart shows, in words."""
    if chart.empty:
        return "Nothing to show yet."
    parts = []
    for line in chart.series:
        known = [value for value in line.values if value is not None]
        if known:
            low, high = (value_text(edge, chart.unit) for edge in (min(known), max(known)))
            latest = value_text(known[-1], chart.unit)
            parts.append(f"{line.name}: {latest} at the end, from {low} to {high}")
    return "; ".join(parts) + "."


def moment_text(moment: datetime, *, by_day: bool = False) -> str:
    """A time in UTC, for people."""
    return (
        f"{moment.astimezone(UTC):%Y-%m-%d}"
        if by_day
        else f"{moment.astimezone(UTC):%Y-%m-%d %H:%M}"
    )


def value_text(value: float | None, unit: str) -> str:
    """A value with its unit where that isn't clear from the title; a dash where none is known."""
    if value is None:
        return "–"
    if unit == "bytes":
        return size(value)
    if unit == "seconds":
        return f"{value:.2f} s" if value < 100 else duration(timedelta(seconds=value))
    return f"{value:,.0f}"


def _drawn(chart: Chart) -> dict[str, Any]:
    return {
        "unit": chart.unit,
        "byDay": chart.by_day,
        "times": [round(moment.timestamp() * 1000) for moment in chart.times],
        "failed": list(chart.failed),
        "series": [{"name": line.name, "values": list(line.values)} for line in chart.series],
    }


def _dash(share: float) -> str:
    """The part of a dial's arc that is filled, as the arc's own hundred units."""
    return f"{100 * share:.1f} 200"


def _asset(name: str) -> str:
    return (_ASSETS / name).read_text("utf-8")


def _digest(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
