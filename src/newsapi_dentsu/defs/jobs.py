"""Jobs: what runs together."""

import dagster as dg

from newsapi_dentsu.stages.pipeline import JOB, STAGES

NEWS_ASSETS = dg.AssetSelection.assets(
    *(table.split(".") for stage in STAGES for table in (stage.table, *stage.also))
)

news_pipeline = dg.define_asset_job(
    JOB,
    selection=NEWS_ASSETS,
    description="Fetch what is new, deduplicate it, group it, filter it, and check the tables.",
)
