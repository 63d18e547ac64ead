"""Jobs: what runs together."""

import dagster as dg

NEWS_ASSETS = dg.AssetSelection.assets(
    ["raw", "ai_marketing_news_raw"],
    ["processed", "processed_news"],
    ["final", "filtered_news"],
)

news_pipeline = dg.define_asset_job(
    "news_pipeline",
    selection=NEWS_ASSETS,
    description="Fetch what is new, deduplicate it, filter it, and check the tables.",
)
