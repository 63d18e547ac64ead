"""What an error of a run says to people, from the events that Dagster keeps."""

from collections.abc import Iterable

import dagster as dg

from newsapi_dentsu.dagster_private import SerializableErrorInfo
from newsapi_dentsu.errors import INTERRUPTED_QUERY, INTERRUPTS

INTERRUPTED = "the run was interrupted; what it stored stays: run again to go on there"


def first_error(events: Iterable[dg.DagsterEvent]) -> str | None:
    """The error of the first step that failed, else that of the run; None where none is told."""
    events = list(events)
    for event in events:
        if event.is_step_failure:
            failure = event.step_failure_data
            if failure.user_failure_data and failure.user_failure_data.description:
                return failure.user_failure_data.description
            if failure.error:
                return message_of(failure.error)
    for event in events:
        if event.is_failure and event.event_specific_data is not None:
            error = getattr(event.event_specific_data, "error", None)
            if error is not None:
                return message_of(error)
    return None


def message_of(error: SerializableErrorInfo) -> str:
    """The message of the pipeline's own error in the chain, else of the innermost cause."""
    chain = [error]
    while chain[-1].cause is not None:
        chain.append(chain[-1].cause)
    own = [item for item in chain if ".errors." in item.message.partition(":")[0]]
    chosen = own[-1] if own else chain[-1]
    kind, _, text = chosen.message.strip().partition(": ")
    if kind.rpartition(".")[2].rstrip(":") in INTERRUPTS or text.startswith(INTERRUPTED_QUERY):
        # It came between the steps, where nobody gives it words.
        return INTERRUPTED
    return text.splitlines()[0] if text and " " not in kind else chosen.message.strip()
