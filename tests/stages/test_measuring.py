"""Every run leaves a row of figures, those that died as well."""

from datetime import UTC, datetime, timedelta

import pytest

from newsapi_dentsu.domain.topics import Topics
from newsapi_dentsu.errors import SourceError
from newsapi_dentsu.runs.measuring import begin_run, end_run, refuse_run
from newsapi_dentsu.runs.recording import recorded
from newsapi_dentsu.stages.collect import CollectOptions, collect
from newsapi_dentsu.stages.curate import curate
from newsapi_dentsu.stages.deduplicate import deduplicate
from newsapi_dentsu.stages.group import group
from newsapi_dentsu.stages.report import CollectReport, CurateReport, IncompleteError
from newsapi_dentsu.warehouse import Warehouse
from newsapi_dentsu.warehouse.tables import run_metrics, stage_runs
from newsapi_dentsu.warehouse.tables.run_metrics import DIED, METRICS, RunMetrics
from support.api import Api, serving
from support.articles import TOPICS, article, body, many
from support.clock import NOON
from support.tables import execute

ORDER = ("collect", "deduplicate", "group", "curate")


def stages(
    api: Api, warehouse: Warehouse, run_id: str, *names: str, topics: Topics = TOPICS
) -> None:
    """Execute stages as a run does."""
    now = api.clock.now
    for name in names or ORDER:
        if name == "collect":
            with api.client() as client:
                options = CollectOptions(lookback_days=1)
                recorded(
                    warehouse,
                    run_id,
                    "collect",
                    lambda: collect(client, warehouse, topics, now=now, options=options),  # noqa: B023
                )
        elif name == "deduplicate":
            recorded(warehouse, run_id, name, lambda: deduplicate(warehouse, now=now))
        elif name == "group":
            recorded(warehouse, run_id, name, lambda: group(warehouse, topics, now=now))
        else:
            recorded(warehouse, run_id, name, lambda: curate(warehouse, now=now))


def whole_run(api: Api, warehouse: Warehouse, run_id: str) -> RunMetrics:
    begin_run(warehouse, run_id, datetime.now(UTC))
    stages(api, warehouse, run_id)
    done = end_run(warehouse, run_id, datetime.now(UTC), error=None)
    assert done is not None
    return done


def kept(warehouse: Warehouse) -> list[RunMetrics]:
    with warehouse.snapshot() as session:
        return run_metrics.read(session)


def test_every_figure_is_described() -> None:
    assert set(METRICS) == set(RunMetrics.__dataclass_fields__)


def test_a_run_keeps_what_its_stages_reported(warehouse: Warehouse) -> None:
    twin = "https://adledger.example/00001?utm_source=x"
    with serving(many(20, at=NOON)) as api:
        api.add(
            article("twin", at=NOON, url=twin, title="Story 00001", body=body("00001")),
            article("untitled", at=NOON, title=""),
        )
        api.clock.advance(hours=1)
        done = whole_run(api, warehouse, "run 1")

    assert kept(warehouse) == [done]
    assert (done.status, done.error, done.origin) == ("succeeded", None, "sandbox")
    assert (done.fetched, done.new_records, done.known_records) == (22, 22, 0)
    assert done.url_twins == 1
    assert done.rejected_articles == sum((done.rejected_by_reason or {}).values()) == 1
    assert done.articles_added == 20
    assert (done.raw_rows, done.processed_rows) == (22, 21)
    assert (done.final_rows, done.rejected_rows) == (20, 1)
    assert done.storage_bytes is not None
    assert done.storage_bytes > 10_000
    assert done.requests == 2
    assert done.tokens_used == 2
    assert done.latency_min_seconds is not None
    assert done.latency_mean_seconds is not None
    assert done.latency_max_seconds is not None
    assert 0 < done.latency_min_seconds <= done.latency_mean_seconds <= done.latency_max_seconds
    assert done.ended_at is not None
    assert done.duration_seconds == (done.ended_at - done.started_at).total_seconds() > 0
    assert done.final_complete_through == api.clock.now


def test_copies_are_duplicates_and_not_rejected(warehouse: Warehouse) -> None:
    with serving(many(3, at=NOON)) as api:
        original = article("original", at=NOON)
        api.add(original)
        api.add(
            article(
                "copy",
                at=NOON + timedelta(minutes=5),
                url="https://other.example/copy",
                title=original.record["title"],
                body=original.record["body"],
                source={"uri": "other.example", "dataType": "news", "title": "Other"},
            )
        )
        api.clock.advance(hours=1)
        done = whole_run(api, warehouse, "run 1")

    assert done.copies == 1
    assert (done.rejected_articles, done.rejected_by_reason) == (0, {})
    assert (done.final_rows, done.rejected_rows) == (4, 1)


def test_days_that_were_left_out_are_counted_as_the_last_attempt_tells(
    warehouse: Warehouse,
) -> None:
    def leave_out(*days: str) -> CollectReport:
        report = CollectReport(
            days=2,
            tokens=3,
            missing_days=dict.fromkeys(days, "HTTP 503"),
            disagreements={"2026-11-18": "lists 5 of 6"},
        )
        raise IncompleteError("days are missing", report, transient=True)

    begin_run(warehouse, "run 1", datetime.now(UTC))
    for days in (("2026-11-18", "2026-11-19"), ("2026-11-19",)):
        with pytest.raises(IncompleteError):
            recorded(warehouse, "run 1", "collect", lambda: leave_out(*days))  # noqa: B023
    done = end_run(warehouse, "run 1", datetime.now(UTC), error=None)

    assert done is not None
    assert (done.missing_days, done.disagreeing_days, done.tokens_used) == (1, 1, 6)
    assert kept(warehouse) == [done]


def test_a_report_of_an_earlier_version_is_read_as_far_as_it_goes(warehouse: Warehouse) -> None:
    begin_run(warehouse, "run 1", datetime.now(UTC))
    recorded(warehouse, "run 1", "collect", lambda: CollectReport(new=7, fetched=9))
    execute(warehouse, 'UPDATE ops.stage_runs SET report = \'{"new": 7, "was_once": 1}\'')
    done = end_run(warehouse, "run 1", datetime.now(UTC), error=None)

    assert done is not None
    assert (done.new_records, done.missing_days, done.tokens_left) == (7, 0, None)


def test_a_failed_run_keeps_what_it_came_to_and_why(warehouse: Warehouse) -> None:
    def fail() -> CurateReport:
        raise SourceError("no room")

    with serving(many(5, at=NOON)) as api:
        api.clock.advance(hours=1)
        first = whole_run(api, warehouse, "run 1")
        api.add(*many(3, at=api.clock.now, prefix="later"))
        api.clock.advance(hours=6)
        begin_run(warehouse, "run 2", datetime.now(UTC))
        stages(api, warehouse, "run 2", "collect", "deduplicate", "group")
        with pytest.raises(SourceError):
            recorded(warehouse, "run 2", "curate", fail)
        second = end_run(warehouse, "run 2", datetime.now(UTC), error="no room")

    assert second is not None
    assert (second.status, second.error) == ("failed", "no room")
    assert (second.new_records, second.articles_added, second.rejected_by_reason) == (3, None, None)
    assert (second.raw_rows, second.final_rows) == (8, 5)
    assert second.final_complete_through == first.final_complete_through


def test_a_failure_outside_the_stages_counts(warehouse: Warehouse) -> None:
    begin_run(warehouse, "run 1", NOON)
    done = end_run(warehouse, "run 1", NOON + timedelta(seconds=3), error="a malformed day")

    assert done is not None
    assert (done.status, done.error, done.duration_seconds) == ("failed", "a malformed day", 3)
    assert done.fetched is None


def test_a_stage_that_succeeds_in_its_second_attempt_is_no_failure(warehouse: Warehouse) -> None:
    def fail() -> CollectReport:
        raise SourceError("the API is away")

    with serving(many(5, at=NOON)) as api:
        api.clock.advance(hours=1)
        begin_run(warehouse, "run 1", NOON)
        with pytest.raises(SourceError):
            recorded(warehouse, "run 1", "collect", fail)
        stages(api, warehouse, "run 1")
        done = end_run(warehouse, "run 1", NOON, error=None)

    assert done is not None
    assert (done.status, done.new_records) == ("succeeded", 5)


def test_a_run_that_died_is_failed_as_soon_as_anybody_looks(warehouse: Warehouse) -> None:
    with serving(many(5, at=NOON)) as api:
        api.clock.advance(hours=1)
        begin_run(warehouse, "dead", NOON)
        stages(api, warehouse, "dead", "collect")

    def seen() -> list[tuple[str, str | None]]:
        with warehouse.snapshot() as session:
            under_way = warehouse.engine.run_under_way(session)
            return [
                (run.status, run.error)
                for run in run_metrics.settled(run_metrics.read(session), under_way=under_way)
            ]

    with warehouse.run_lock("run dead", 1):
        assert seen() == [("running", None)]
    assert seen() == [("failed", DIED)]


def test_the_next_run_settles_those_that_died(warehouse: Warehouse) -> None:
    with serving(many(5, at=NOON)) as api:
        api.clock.advance(hours=1)
        started = datetime.now(UTC)
        begin_run(warehouse, "dead", started)
        stages(api, warehouse, "dead", "collect")
        with warehouse.transaction() as session:
            stage_runs.start_stage(session, "dead", "deduplicate", datetime.now(UTC))
        died = begin_run(warehouse, "next", datetime.now(UTC))

    assert [run.run_id for run in died] == ["dead"]
    dead, following = kept(warehouse)
    assert (dead.status, dead.error) == ("failed", DIED)
    assert (dead.started_at, dead.new_records, dead.raw_rows) == (started, 5, None)
    assert dead.ended_at is not None
    assert started < dead.ended_at < following.started_at
    assert (following.run_id, following.status) == ("next", "running")


def test_a_run_killed_between_two_stages_has_died(warehouse: Warehouse) -> None:
    with serving(many(5, at=NOON)) as api:
        api.clock.advance(hours=1)
        begin_run(warehouse, "dead", NOON)
        stages(api, warehouse, "dead", "collect", "deduplicate")
        begin_run(warehouse, "next", datetime.now(UTC))

    assert [run.status for run in kept(warehouse)] == ["failed", "running"]


def test_a_run_whose_last_word_was_lost_has_succeeded_all_the_same(warehouse: Warehouse) -> None:
    with serving(many(5, at=NOON)) as api:
        api.clock.advance(hours=1)
        begin_run(warehouse, "run 1", NOON)
        stages(api, warehouse, "run 1")
        begin_run(warehouse, "run 2", datetime.now(UTC))

    first, _ = kept(warehouse)
    assert (first.status, first.articles_added) == ("succeeded", 5)
    assert first.final_complete_through == api.clock.now


def test_runs_from_before_the_figures_were_kept_get_theirs(warehouse: Warehouse) -> None:
    with serving(many(5, at=NOON)) as api:
        api.clock.advance(hours=1)
        stages(api, warehouse, "old")
    begin_run(warehouse, "new", datetime.now(UTC))

    old, _ = kept(warehouse)
    assert (old.status, old.new_records, old.articles_added) == ("succeeded", 5, 5)


def test_a_run_that_may_not_start_beside_another_is_kept_as_failed(warehouse: Warehouse) -> None:
    refuse_run(warehouse, "run 1", NOON, "another run is under way")

    (refused,) = kept(warehouse)
    assert (refused.status, refused.error) == ("failed", "another run is under way")


def test_days_add_up_their_runs(warehouse: Warehouse) -> None:
    def save(run_id: str, at: datetime, **figures: object) -> None:
        with warehouse.transaction() as session:
            run_metrics.save(session, [RunMetrics(run_id, started_at=at, **figures)])  # type: ignore[arg-type]

    save("a", NOON, status="succeeded", fetched=10, requests=1, latency_mean_seconds=2.0)
    save("b", NOON, status="succeeded", fetched=30, requests=3, latency_mean_seconds=1.0)
    save("c", NOON, status="failed")
    save("d", NOON + timedelta(days=1), status="failed")
    save("e", NOON + timedelta(days=1), status="running")
    with warehouse.snapshot() as session:
        rows = session.rows(
            "SELECT day, succeeded, failed, fetched, requests, latency_mean_seconds "
            f"FROM {run_metrics.DAILY} ORDER BY day"
        )

    assert rows == [
        (NOON.date(), 2, 1, 40, 4, pytest.approx(1.25)),
        (NOON.date() + timedelta(days=1), 0, 1, None, None, None),
    ]


def test_figures_that_cannot_be_stored_are_no_reason_to_fail(warehouse: Warehouse) -> None:
    begin_run(warehouse, "run 1", NOON)
    execute(warehouse, "UPDATE ops.schema_migrations SET version = version + 1000")
    refuse_run(warehouse, "run 2", NOON, "busy")

    execute(warehouse, "UPDATE ops.schema_migrations SET version = version - 1000")
    assert [run.run_id for run in kept(warehouse)] == ["run 1"]
