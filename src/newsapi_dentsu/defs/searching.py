"""Completing the index of searches at night, where it was begun and runs alone take long for it."""

from contextlib import closing

import dagster as dg

from newsapi_dentsu.defs.recovery import RETRIES
from newsapi_dentsu.errors import PipelineError
from newsapi_dentsu.settings import load_settings
from newsapi_dentsu.warehouse import Warehouse, open_warehouse


@dg.op(retry_policy=RETRIES, description="Complete the index of searches, where it isn't.")
def complete_index(context: dg.OpExecutionContext) -> None:
    """Complete it, and say in the log what could not be searched before."""
    from newsapi_dentsu.meaning.embedder import open_embedder
    from newsapi_dentsu.reading.hits import NoIndexError
    from newsapi_dentsu.reading.index import complete_search, reach_told, searchable

    settings = load_settings()
    folder = settings.reading_folder
    try:
        with closing(open_warehouse(settings)) as warehouse:
            if (missing := _missing_tables(warehouse)) is not None:
                context.log.info(f"Nothing is there to be searched: {missing}")
                return
            try:
                reach = searchable(warehouse, folder)
            except NoIndexError as error:
                context.log.info(str(error))
            else:
                if not reach.missing:
                    context.log.info("All articles can be searched")
                    return
                context.log.info(reach_told(reach))
            complete_search(
                warehouse,
                folder,
                open_embedder(settings).model,
                holder=f"run {context.run_id}",
                wait=settings.run_wait_seconds,
            )
        context.log.info("All articles can be searched now")
    except PipelineError as error:
        raise dg.Failure(str(error), allow_retries=error.transient) from error


def _missing_tables(warehouse: Warehouse) -> str | None:
    """Why there are no tables that can be read, which is for the next run to change."""
    try:
        with warehouse.snapshot():
            return None
    except PipelineError as error:
        if error.transient:
            raise
        return str(error)
