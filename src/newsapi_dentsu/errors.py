"""The errors that the pipeline raises on purpose: each says what is wrong and what to do next."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

INTERRUPTS: Final = frozenset({"KeyboardInterrupt", "DagsterExecutionInterruptedError"})
"""Names of what Ctrl-C and SIGTERM raise. Others that are no `Exception` interrupt nothing, such as
asyncio's cancelling."""

INTERRUPTED_QUERY: Final = "Query interrupted"
"""The words of the RuntimeError that DuckDB raises instead of what interrupted its query."""


@contextmanager
def query_interrupts() -> Iterator[None]:
    """Raise an interrupt that DuckDB took for itself as the interrupt that it was."""
    try:
        yield
    except RuntimeError as error:
        if str(error) != INTERRUPTED_QUERY:
            raise
        raise KeyboardInterrupt from None


class PipelineError(Exception):
    """Base of the pipeline's own errors; its message is one line for a person to act on."""

    transient = False
    """Whether the same call may succeed later without anybody fixing anything."""


class SettingsError(PipelineError):
    """A setting is missing, malformed or contradicts another."""


class TopicsError(PipelineError):
    """The topics file can't be used; the message names the line."""


class BrandsError(PipelineError):
    """The file of brands can't be used; the message names the line."""


class ModelError(PipelineError):
    """A model can't be used: a file of it is missing, damaged or of another kind."""


class SourceError(PipelineError):
    """The news API gave no usable answer, and asking again would give the same."""


class SourceUnavailableError(SourceError):
    """The news API is in passing trouble and the retries or the deadline are used up."""

    transient = True


class AccessRefusedError(SourceError):
    """The news API refused the key, or the account's tokens are spent."""


class TokensSpentError(AccessRefusedError):
    """The news API takes the key, but its account has no tokens left."""


class BudgetSpentError(AccessRefusedError):
    """What a backfill may spend is spent; days that it has not read are read by another one."""


class AnswerTooLargeError(SourceError):
    """One answer of the news API is larger than what is read of an answer."""


class AccessError(PipelineError):
    """Keys of the server can't be kept or found; the message says what to do."""


class WarehouseError(PipelineError):
    """The database can't be used as it is."""


class NewerTablesError(WarehouseError):
    """A newer version of the program has made the tables, and left this one no way to use them."""

    def __init__(self, location: str, version: int, latest: int) -> None:
        self.problem = (
            f"schema version {version}, newer than this program's {latest}: "
            "install the newer version of newsapi-dentsu"
        )
        """The same without the place."""
        super().__init__(f"{location} has {self.problem}")


class WarehouseBusyError(WarehouseError):
    """Another process holds the database, another run is under way, or the server is overloaded."""

    transient = True


class AlertsBusyError(WarehouseBusyError):
    """Another process is evaluating the alert rules, and doesn't end."""


class WarehouseAwayError(WarehouseError):
    """The server went away, as in a restart or a fail-over: the transaction was not stored.

    Work under way waits for it and repeats the transaction.
    """

    transient = True


class ExpiredError(PipelineError):
    """Who reads page by page began too long ago, or on another database: begin again."""


class StorageError(PipelineError):
    """A place for backups or the archive can't be used, or what it holds isn't whole."""


class StorageUnavailableError(StorageError):
    """Blob Storage gave no usable answer, after the retries of Azure's library."""

    transient = True


class OutputError(PipelineError):
    """A command's own output can't be written."""


class ServingError(PipelineError):
    """A server that a command started has ended by itself."""


class AlertsError(PipelineError):
    """The alert rules can't be used, or a channel of alerts didn't take a message."""


class DigestError(PipelineError):
    """A channel didn't take a digest; those that took it don't get it again."""

    transient = True
