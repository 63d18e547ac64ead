"""A code location that lets every secret slip wherever code can let one slip."""

import logging
import os

import dagster as dg

from newsapi_dentsu.defs import build_definitions

SECRETS = os.environ["PLANTED"].split("\n")
DSN = f"postgresql://user:{SECRETS[0]}@db.example/news"

logger = logging.getLogger("newsapi_dentsu.stages.leaky")


def connect(dsn: str) -> None:
    """Fail as a driver does that quotes its DSN."""
    raise ConnectionError(f"connection to {dsn} refused; said {SECRETS!r}")


@dg.asset
def leaky(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
    """Secrets in logs and metadata, then in an exception and its cause."""
    for secret in SECRETS:
        context.log.info("told by Dagster's logger: %s", secret)
        logger.warning("told by ours: %s", secret, extra={"detail": {"nested": [secret]}})
    try:
        connect(DSN)
    except ConnectionError:
        logger.exception("a traceback with %s", SECRETS[-1])
    return dg.MaterializeResult(
        metadata={
            "text": ", ".join(SECRETS),
            "json": {"key": SECRETS},
            "markdown": dg.MetadataValue.md(f"**{SECRETS[0]}**"),
        }
    )


@dg.asset(deps=[leaky])
def failing() -> None:
    """An exception whose message, cause and locals hold secrets."""
    password = SECRETS[-1]
    try:
        connect(DSN)
    except ConnectionError as error:
        raise RuntimeError(f"no luck with {password}") from error


@dg.sensor(
    target=dg.AssetSelection.assets("leaky"),
    minimum_interval_seconds=1,
    default_status=dg.DefaultSensorStatus.RUNNING,
)
def stumbling() -> None:
    """A sensor whose tick fails, and tells why."""
    raise RuntimeError(f"the sensor stumbles over {SECRETS!r}")


defs = dg.Definitions.merge(
    build_definitions(),
    dg.Definitions(
        assets=[leaky, failing],
        sensors=[stumbling],
        jobs=[dg.define_asset_job("leak", selection=["leaky", "failing"])],
    ),
)
