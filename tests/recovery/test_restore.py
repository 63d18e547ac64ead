"""A lost database comes back from a backup, the lake, or both, and the next run closes the gap."""

import json
from pathlib import Path

import pytest

from newsapi_dentsu.storage import Folder
from newsapi_dentsu.warehouse.queries.audit import AUDITS
from newsapi_dentsu.warehouse.tables import verdicts
from support.databases import Database, disconnect
from support.limits import LIMITS
from support.parts import first_quick
from support.tables import column, dump, final_urls, raw_uris, watermark

from .conftest import Lost, Run, archive

CONTENT = {"updated_at", "changed_at", "change_seq", "value", "reading"}


@pytest.mark.parametrize(
    ("options", "records"),
    first_quick([((), 27), (("--no-lake",), 20), (("--raw-only",), 27)], 2),
    ids=["backup and lake", "backup alone", "lake alone"],
)
def test_what_was_lost_comes_back_and_the_next_run_brings_the_rest(
    run: Run, lost: Lost, target: Database, options: tuple[str, ...], records: int
) -> None:
    done = run(target, "restore", "--json", *options, **lost.settings)
    assert done.code == 0, done.err
    told = json.loads(done.out)
    assert told["equal"]
    assert told["tables"]["raw.ai_marketing_news_raw"]["rows"] == [records, records]

    restored = target.open()
    # What people said can't be worked out anew.
    said = column(restored, verdicts.TABLE, "article_id")
    assert said == (["00001"] if "--no-lake" in options else ["00001", "00002"])
    mark, later = watermark(restored), watermark(lost.control)
    assert mark is not None
    assert later is not None
    assert mark < later
    report = lost.api.run(restored, lookback_days=3)
    assert report.collect.new + report.collect.changed == len(raw_uris(lost.control)) - records
    again = lost.api.run(lost.control, lookback_days=3)
    assert (again.collect.new, again.collect.changed) == (0, 0)
    assert raw_uris(restored) == raw_uris(lost.control)
    assert final_urls(restored) == final_urls(lost.control)
    assert watermark(restored) == watermark(lost.control)
    tables = ("processed.processed_news", "final.filtered_news", "final.rejected_news")
    assert dump(restored, *tables, skip=CONTENT) == dump(lost.control, *tables, skip=CONTENT)
    with restored.snapshot() as session:
        findings = {audit.name: audit.examine(session, lost.clock.now, LIMITS) for audit in AUDITS}
    assert all(finding.passed for finding in findings.values()), findings
    disconnect(restored)


def test_the_lake_goes_on_after_a_restore_that_used_it(
    run: Run, lost: Lost, target: Database, scratch_folder: Path, tmp_path: Path
) -> None:
    assert run(target, "restore", **lost.settings).code == 0
    restored = target.open()
    lost.api.run(restored, lookback_days=3)
    done = archive(restored, Folder(tmp_path / "lake"), scratch_folder, lost.clock.now)
    assert (done.added, done.lake.rows) == (5, len(raw_uris(restored)))
    disconnect(restored)
