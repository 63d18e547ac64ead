"""The tables as Dagster assets: what the catalogue shows of them."""

import shutil
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import pytest

from newsapi_dentsu.alerts.rules_file import load_rules
from newsapi_dentsu.defs import assets, build_definitions
from newsapi_dentsu.defs.resources import PipelineResource
from newsapi_dentsu.defs.run_history import read_history
from newsapi_dentsu.domain.alerts.incidents import first_state
from newsapi_dentsu.settings import load_settings
from newsapi_dentsu.stages.pipeline import runbook
from newsapi_dentsu.warehouse import Warehouse
from newsapi_dentsu.warehouse.queries.audit import AUDITS
from newsapi_dentsu.warehouse.tables import stage_runs
from newsapi_dentsu.warehouse.tables.dictionary import DICTIONARY
from support.parts import first_quick

from .conftest import working_in

KEYS = [
    ["raw", "ai_marketing_news_raw"],
    ["processed", "processed_news"],
    ["processed", "embeddings"],
    ["processed", "assessments"],
    ["final", "filtered_news"],
    ["final", "rejected_news"],
    ["final", "article_sentiment"],
]


KEYS_WITHOUT_TITLES = (
    ["final", "rejected_news"],
    ["processed", "embeddings"],
    ["final", "article_sentiment"],
)


@pytest.fixture(scope="module")
def defs() -> dg.Definitions:
    return build_definitions()


def test_the_code_location_loads_and_is_valid(defs: dg.Definitions) -> None:
    dg.Definitions.validate_loadable(defs)


@pytest.mark.parametrize("key", KEYS, ids="/".join)
def test_every_asset_is_described(defs: dg.Definitions, key: list[str]) -> None:
    spec = defs.resolve_asset_graph().get(dg.AssetKey(key))
    schema = spec.metadata["dagster/column_schema"]

    assert spec.description
    assert spec.owners == ["team:data-engineering"]
    assert {"python", "duckdb"} <= spec.kinds
    assert spec.group_name == "news"
    assert isinstance(schema, dg.TableSchema | dg.TableSchemaMetadataValue)
    columns = schema.columns if isinstance(schema, dg.TableSchema) else schema.schema.columns
    assert [column.name for column in columns] == list(DICTIONARY[".".join(key)])
    assert all(column.description for column in columns)


def test_the_stages_depend_on_each_other(defs: dg.Definitions) -> None:
    graph = defs.resolve_asset_graph()

    def parents(key: list[str]) -> list[list[str]]:
        return sorted(list(one.path) for one in graph.get(dg.AssetKey(key)).parent_keys)

    raw, processed, embeddings, assessments, final, rejected, sentiment = KEYS
    assert parents(raw) == [["newsapi.ai"]]
    assert parents(processed) == [raw]
    assert parents(embeddings) == [processed]
    assert parents(assessments) == sorted([processed, embeddings])
    assert parents(sentiment) == [final]
    assert parents(final) == parents(rejected) == sorted([processed, assessments])


def test_the_news_api_is_a_source_that_no_run_makes(defs: dg.Definitions) -> None:
    graph = defs.resolve_asset_graph()

    assert graph.external_asset_keys == {dg.AssetKey(["newsapi.ai"])}
    assert graph.get(dg.AssetKey(["newsapi.ai"])).description


@pytest.fixture(scope="module")
def first(
    tmp_path_factory: pytest.TempPathFactory, defs: dg.Definitions
) -> tuple[Path, dg.ExecuteInProcessResult]:
    """A folder after its first run, and what that has told."""
    with (
        working_in(tmp_path_factory.mktemp("first")) as folder,
        dg.DagsterInstance.ephemeral() as instance,
    ):
        # What the sandbox's articles all name, as the index tags few companies in them.
        (folder / "brands.yaml").write_text("brands: [{name: AI}]")
        result = defs.resolve_job_def("news_pipeline").execute_in_process(instance=instance)
    assert result.success
    return folder, result


@pytest.fixture
def filled(folder: Path, first: tuple[Path, dg.ExecuteInProcessResult]) -> Path:
    """A folder like it."""
    return Path(shutil.copytree(first[0], folder, dirs_exist_ok=True))


def test_a_run_materializes_all_of_them_with_their_figures_and_checks(
    first: tuple[Path, dg.ExecuteInProcessResult],
) -> None:
    result = first[1]

    assert result.success
    metadata = {
        tuple(event.asset_key.path): event.materialization.metadata
        for event in result.get_asset_materialization_events()
        if event.asset_key
    }
    for key in KEYS:
        shown = metadata[tuple(key)]
        rows = shown["dagster/row_count"].value
        assert isinstance(rows, int)
        assert rows > (15 if key != ["final", "rejected_news"] else 0)
        assert shown["origin"].value == "sandbox"
        assert isinstance(shown["watermark"], dg.TimestampMetadataValue)
        if key not in KEYS_WITHOUT_TITLES:
            assert "| published (UTC) | title | url |" in str(shown["preview"].value)
            assert ".example/" in str(shown["preview"].value)
        if key[1].endswith("news_raw") or key[1] in ("processed_news", "filtered_news"):
            assert " to " in str(shown["date_range"].value)
    # A day more where midnight passes.
    assert metadata[tuple(KEYS[0])]["tokens"].value in (3, 4)
    checks = {
        (".".join(item.asset_key.path), item.check_name): item.passed
        for item in result.get_asset_check_evaluations()
    }
    assert set(checks) == {
        *((audit.table, audit.name) for audit in AUDITS),
        ("raw.ai_marketing_news_raw", "everything_read"),
    }
    assert all(checks.values()), checks


def test_a_broken_promise_shows_as_a_failed_check(
    filled: Path, defs: dg.Definitions, instance: dg.DagsterInstance, stored: Warehouse
) -> None:
    with stored.transaction() as session:
        session.execute("DELETE FROM final.rejected_news")
    result = defs.resolve_job_def("news_pipeline").execute_in_process(instance=instance)

    failed = [item for item in result.get_asset_check_evaluations() if not item.passed]
    assert [item.check_name for item in failed] == ["every_article_accounted_for"]
    assert failed[0].severity == dg.AssetCheckSeverity.ERROR


def test_final_alone_can_be_made_again(
    filled: Path, defs: dg.Definitions, instance: dg.DagsterInstance
) -> None:
    job = defs.resolve_job_def("news_pipeline")
    final = dg.AssetKey(["final", "filtered_news"])
    result = job.execute_in_process(instance=instance, asset_selection=[final])

    assert result.success
    events = result.get_asset_materialization_events()
    assert [event.asset_key for event in events] == [final]


def test_a_failure_in_grouping_is_told_as_grouping_with_its_runbook(
    folder: Path, defs: dg.Definitions, stored: Warehouse
) -> None:
    stored.upgrade()
    with stored.transaction() as session:
        session.execute("DROP TABLE processed.banded_days")
    (folder / "home").mkdir()
    with dg.DagsterInstance.local_temp(str(folder / "home")) as instance:
        result = defs.resolve_job_def("news_pipeline").execute_in_process(
            instance=instance, raise_on_error=False
        )
        now = datetime.now(UTC)
        history = read_history(
            instance,
            first_state(now),
            load_rules(load_settings()),
            now,
            hide=lambda text: text,
            in_daemon=True,
        )

    assert not result.success
    (failure,) = history.failures
    assert failure.stage == "group"
    assert "banded_days" in failure.error
    with stored.snapshot() as session:
        failed = [run.stage for run in stage_runs.stage_runs(session) if run.status == "failed"]
    assert failed == ["group"]
    assert runbook(failure.stage) == "docs/operations.md#if-group-fails"


def test_a_failure_is_worded_and_stops_what_follows(
    folder: Path,
    defs: dg.Definitions,
    instance: dg.DagsterInstance,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("NEWSAPI_HOST", "https://example.invalid")
    result = defs.resolve_job_def("news_pipeline").execute_in_process(
        instance=instance, raise_on_error=False
    )

    (failure,) = [event for event in result.all_events if event.is_step_failure]
    assert failure.step_key == "raw__ai_marketing_news_raw"
    user_failure = failure.step_failure_data.user_failure_data
    assert user_failure is not None
    assert "NEWSAPI_KEY is not set" in (user_failure.description or "")
    assert result.get_asset_materialization_events() == []


@pytest.mark.parametrize(
    ("config", "expected"),
    first_quick(
        [
            ({"backfill_from": "2026-11-01"}, "needs backfill_from and backfill_to"),
            ({"backfill_from": "x", "backfill_to": "2026-11-01"}, "as days"),
            ({"backfill_from": "2026-11-02", "backfill_to": "2026-11-01"}, "must not lie after"),
        ]
    ),
)
def test_a_malformed_backfill_is_refused(
    folder: Path,
    defs: dg.Definitions,
    instance: dg.DagsterInstance,
    config: dict[str, str],
    expected: str,
) -> None:
    result = defs.resolve_job_def("news_pipeline").execute_in_process(
        instance=instance,
        raise_on_error=False,
        run_config={"ops": {"raw__ai_marketing_news_raw": {"config": config}}},
    )

    (failure,) = [event for event in result.all_events if event.is_step_failure]
    assert failure.step_failure_data.user_failure_data
    assert expected in (failure.step_failure_data.user_failure_data.description or "")


def test_models_are_given_back_before_other_stages_need_memory(
    folder: Path,
    defs: dg.Definitions,
    instance: dg.DagsterInstance,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told: list[str] = []
    monkeypatch.setattr(assets, "unload_models", lambda: told.append("unloaded"))
    monkeypatch.setattr(PipelineResource, "_publish", lambda _: told.append("published"))
    read = [dg.AssetKey(["processed", "assessments"]), dg.AssetKey(["final", "article_sentiment"])]
    job = defs.resolve_job_def("news_pipeline")
    assert job.execute_in_process(instance=instance, asset_selection=read).success
    assert told == ["unloaded", "unloaded", "published"]
