"""Looking at what is stored: status, articles, explain, config."""

import csv
import io
import json
import re
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from newsapi_dentsu.sandbox import Sandbox
from support.api import page_of
from support.articles import record

from .conftest import FEW, Workspace


def test_status_tells_watermark_rows_runs_and_tokens(filled: Workspace) -> None:
    shown = filled.newsapi("status")
    result = filled.newsapi("status", "--json").json

    assert "SANDBOX" in shown.out
    assert "rows in final.filtered_news" in shown.out
    assert result["complete_through"]
    assert result["tokens_left"] == 1984
    assert result["waiting"] == {"deduplicate": 0, "group": 0, "curate": 0}
    assert [run["status"] for run in result["runs"]] == ["succeeded"]
    assert result["runs"][0]["new"] == result["rows"]["raw.ai_marketing_news_raw"]


def test_status_tells_what_failed_and_how_many_days_are_missing(connected: Workspace) -> None:
    with Sandbox(tokens=3, articles_per_day=FEW) as poor:
        connected.newsapi("run", NEWSAPI_HOST=poor.url)
    result = connected.newsapi("status", "--json").json

    assert result["runs"][0]["status"] == "failed"
    assert "tokens of the news API's account are spent" in result["runs"][0]["error"]
    assert result["tokens_left"] == 0
    assert result["runs"][0]["missing_days"] > 0
    # What was read has gone on.
    assert result["rows"]["raw.ai_marketing_news_raw"] > 0
    assert result["waiting"] == {"deduplicate": 0, "group": 0, "curate": 0}


def test_articles_come_newest_first_in_a_table(filled: Workspace) -> None:
    finished = filled.newsapi("articles", "--limit", "5")

    assert finished.out.count(".example/") >= 5
    assert "SANDBOX" in finished.err


def test_articles_as_json_lines(filled: Workspace) -> None:
    articles = [
        json.loads(line)
        for line in filled.newsapi("articles", "--format", "jsonl").out.splitlines()
    ]

    dates = [article["published_at"] for article in articles]
    assert len(articles) > 60
    assert dates == sorted(dates, reverse=True)
    assert len({article["article_id"] for article in articles}) == len(articles)
    assert isinstance(articles[0]["concepts"], list)


def test_articles_by_day_source_and_text(filled: Workspace) -> None:
    def ids(*filters: str) -> list[dict[str, str]]:
        out = filled.newsapi("articles", "--format", "jsonl", *filters).out
        return [json.loads(line) for line in out.splitlines()]

    everything = ids()
    day = everything[20]["published_at"][:10]
    source = everything[20]["source_uri"]
    assert ids("--since", day, "--until", day) == [
        article for article in everything if article["published_at"][:10] == day
    ]
    assert ids("--source", source.upper()) == [
        article
        for article in everything
        if source in article["source_uri"] or source in article["source_name"].lower()
    ]
    assert ids("--text", "100%") == [
        article for article in everything if "100%" in article["title"] or "100%" in article["body"]
    ]
    assert 0 < len(ids("--text", "Agency")) < len(everything)
    assert ids("--search", f"-agency source:{source}") == [
        article
        for article in ids("--source", source)
        if not re.search(r"\bagency\b", article["title"] + "\n" + article["body"], re.IGNORECASE)
    ]


def test_blanks_around_a_filter_are_none_of_it(filled: Workspace) -> None:
    def ids(*filters: str) -> list[str]:
        out = filled.newsapi("articles", "--format", "jsonl", *filters).out
        return [json.loads(line)["article_id"] for line in out.splitlines()]

    everything = ids()
    for option, typed in (("--source", "adledger"), ("--text", "agency")):
        found = ids(option, typed)
        assert 0 < len(found) < len(everything)
        assert ids(option, f" {typed}\t") == found
        assert ids(option, " ") == everything


def test_articles_as_csv_and_parquet_hold_the_same_rows(filled: Workspace) -> None:
    printed = filled.newsapi("articles", "--format", "csv").out
    rows = list(csv.DictReader(io.StringIO(printed)))
    finished = filled.newsapi("articles", "--format", "parquet", "--out", "all.parquet")

    assert f"wrote {len(rows)} articles" in finished.err
    with duckdb.connect() as db:
        stored = db.execute(
            f"SELECT article_id, title, body FROM '{filled.folder / 'all.parquet'}'"
        ).fetchall()
    assert stored == [(row["article_id"], row["title"], row["body"]) for row in rows]
    assert [path.name for path in filled.folder.iterdir() if path.name.startswith(".all")] == []


def test_an_export_that_cannot_be_written_leaves_nothing(filled: Workspace) -> None:
    finished = filled.newsapi("articles", "--format", "csv", "--out", "nowhere/a.csv")

    assert finished.code == 1
    assert "nowhere/a.csv can't be written" in finished.err
    assert not Path(filled.folder / "nowhere").exists()


def test_explain_follows_a_twin_by_url_and_by_uri(filled: Workspace) -> None:
    with duckdb.connect(str(filled.folder / "data/news.duckdb"), read_only=True) as db:
        uri, url, article_id = db.execute(
            "SELECT r.uri, r.url, o.article_id FROM processed.record_outcomes o "
            "JOIN raw.ai_marketing_news_raw r ON r.seq = o.raw_seq "
            "WHERE o.outcome = 'url_twin' ORDER BY r.seq LIMIT 1"
        ).fetchall()[0]
    by_uri = filled.newsapi("explain", uri, "--json").json
    by_url = filled.newsapi("explain", url + "#fragment", "--json").json

    assert by_uri == by_url
    (path,) = by_uri
    assert path["article_id"] == article_id
    assert path["verdict"] in ("final", "rejected")
    assert {record["outcome"] for record in path["records"]} == {"article", "url_twin"}
    assert "url_twin" in filled.newsapi("explain", uri).out


def test_explain_takes_what_it_prints(filled: Workspace) -> None:
    with duckdb.connect(str(filled.folder / "data/news.duckdb"), read_only=True) as db:
        article_id, story_id, link, title = db.execute(
            "SELECT article_id, story_id, link, title FROM final.filtered_news "
            "WHERE story_id = article_id LIMIT 1"
        ).fetchall()[0]
    shown = filled.newsapi("explain", link).out
    assert title in shown
    (path,) = filled.newsapi("explain", link, "--json").json
    assert path["title"] == title
    bare = link.removeprefix("https://")
    names = (article_id, path["records"][0]["uri"], path["url"], bare, bare.removeprefix("www."))
    for name in names:
        assert filled.newsapi("explain", name).out == shown, name
    assert shown in filled.newsapi("explain", story_id).out


def test_every_json_spells_fields_and_times_alike(filled: Workspace) -> None:
    (line,) = filled.newsapi("articles", "--format", "jsonl", "--limit", "1").out.splitlines()
    article = json.loads(line)
    (path,) = filled.newsapi("explain", article["article_id"], "--json").json
    status = filled.newsapi("status", "--json").json

    assert article["published_at"] == path["published_at"]
    assert article["topic_relevance"] == path["standing"]["topic_relevance"]
    assert article["flags"] == path["standing"]["flags"]
    assert isinstance(article["other_sources"], list)
    names, times = set[str](), list[str]()
    for value in (article, path, status):
        _gather(value, names, times)
    assert {name for name in names if name.lower() != name} <= {"AI", "Marketing"}
    assert len(times) > 6
    assert all(re.fullmatch(r"[-0-9]{10}T[:0-9]{8}(\.\d{6})?Z", one) for one in times), times


def _gather(value: object, names: set[str], times: list[str]) -> None:
    if isinstance(value, dict):
        names.update(name for name in value if "/" not in name)
        for inner in value.values():
            _gather(inner, names, times)
    elif isinstance(value, list):
        for inner in value:
            _gather(inner, names, times)
    elif isinstance(value, str) and re.match(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d", value):
        times.append(value)


def test_status_never_says_none(connected: Workspace) -> None:
    connected.newsapi("run", NEWSAPI_KEY="wrong")
    shown = connected.newsapi("status").out
    assert "None" not in shown
    assert "no day is complete yet" in shown
    assert "newsapi doctor" in shown


def test_explain_gives_the_reason_of_a_rejection(filled: Workspace) -> None:
    with duckdb.connect(str(filled.folder / "data/news.duckdb"), read_only=True) as db:
        url, reason = db.execute("SELECT url, reason FROM final.rejected_news").fetchall()[0]

    assert f"rejected: {reason}" in filled.newsapi("explain", url).out


def test_the_figures_that_explain_shows_add_up_to_the_score(filled: Workspace) -> None:
    link = filled.newsapi("articles", "--limit", "1", "--format", "jsonl").json["link"]
    (told,) = filled.newsapi("explain", link, "--json").json
    lines = filled.newsapi("explain", link).out.splitlines()
    signs = [float(line.split()[0]) for line in lines if re.match(r" {13,} [+-]\d", line)]
    assert len(signs) >= 5
    relevance = told["relevance"]
    logit = relevance["constant"] + sum(one["weight"] for one in relevance["signals"])
    assert sum(signs) == pytest.approx(logit, abs=0.05)


def test_explain_of_a_record_without_a_link(connected: Workspace) -> None:
    bad = record("bad-link", datetime.now(UTC), url="mailto:desk@adledger.example")
    with Sandbox(faults=[page_of([bad])]) as api:
        connected.newsapi("run", NEWSAPI_HOST=api.url)
    lines = connected.newsapi("explain", "bad-link").out.splitlines()

    assert lines[1].startswith("  title      ")
    assert "unusable (bad_url)" in lines[2]
    assert [line.strip() for line in lines[3:]] == [
        "mailto:desk@adledger.example",
        'unexpected fields: ["url"]',
    ]
    assert connected.newsapi("explain", lines[3].strip()).out.splitlines() == lines


def test_explain_of_something_unknown(filled: Workspace) -> None:
    finished = filled.newsapi("explain", "https://example.com/unknown")

    assert finished.code == 1
    assert "no record has the url, uri or id" in finished.err
    assert "take one that `newsapi articles` lists" in finished.err


def test_config_masks_secrets_and_names_their_origin(workspace: Workspace) -> None:
    (workspace.folder / ".env").write_text("POSTGRES_PASSWORD=from-the-file\nLOOKBACK_DAYS=7\n")
    shown = workspace.newsapi("config", NEWSAPI_KEY="from-the-environment")
    result = workspace.newsapi("config", "--json", NEWSAPI_KEY="from-the-environment").json

    assert "from-the" not in shown.out + shown.err
    assert result["NEWSAPI_KEY"] == {"value": "**********", "from": "environment"}
    assert result["POSTGRES_PASSWORD"] == {"value": "**********", "from": ".env"}
    assert result["LOOKBACK_DAYS"] == {"value": "7", "from": ".env"}
    assert result["DUCKDB_PATH"] == {"value": "data/news.duckdb", "from": "default"}


def test_help_is_quick_and_reads_like_a_guide(workspace: Workspace) -> None:
    finished = workspace.newsapi("--help")

    for command in ("run", "status", "articles", "dev", "explain", "backfill", "sandbox"):
        assert command in finished.out
    assert "Without NEWSAPI_KEY" in finished.out


def test_looking_does_not_import_dagster(filled: Workspace) -> None:
    for command in (["--help"], ["status"], ["articles"], ["config"]):
        with filled.start(*command, PYTHONPROFILEIMPORTTIME="1") as process:
            _, err = process.communicate(timeout=60)
        assert "newsapi_dentsu" in err
        assert "dagster" not in {
            line.rpartition("|")[2].strip().partition(".")[0]
            for line in err.splitlines()
            if line.startswith("import time:")
        }
