"""Answering GraphQL operations over HTTP (the GraphQL-over-HTTP draft)."""

import asyncio
import hashlib
import logging
import re
import threading
from collections import OrderedDict
from collections.abc import Awaitable, Mapping
from inspect import isawaitable
from pathlib import Path
from typing import Any, Final, NamedTuple

from graphql import (
    DocumentNode,
    ExecutionResult,
    GraphQLError,
    NoSchemaIntrospectionCustomRule,
    OperationDefinitionNode,
    execute,
    get_operation_ast,
    parse,
    specified_rules,
    validate,
)

from newsapi_dentsu.errors import ExpiredError, PipelineError
from newsapi_dentsu.reading.library import Library, revision_of
from newsapi_dentsu.reading.memory import Now, OtherRevisionError
from newsapi_dentsu.warehouse.engines.base import Session
from newsapi_dentsu.website.api import as_json
from newsapi_dentsu.website.graph import documents
from newsapi_dentsu.website.graph.execution import ShortExecution
from newsapi_dentsu.website.graph.limits import MOST_TOKENS, excess
from newsapi_dentsu.website.graph.schema import Context, make_schema
from newsapi_dentsu.website.questions import QuestionError

logger = logging.getLogger(__name__)

MOST_TEXT: Final = 50_000
"""Characters of a document."""

_REMEMBERED: Final = 256
_MOST_ERRORS: Final = 20
_HINT: Final = re.compile(r" Did you mean .+\?$", re.DOTALL)
_HASH: Final = "sha256:"


class Asked(NamedTuple):
    """An operation that somebody asks for: its text or the name of a trusted document."""

    query: str | None = None
    document: str | None = None
    operation: str | None = None
    variables: Mapping[str, Any] = {}


class Answered(NamedTuple):
    """An answer as JSON, and whether there was an operation that could be executed.

    `revision` names what was read, where that was asked for and everything could be; `server` is
    the one that it was read from, where there are two.
    """

    body: str
    executed: bool
    revision: str | None = None
    server: str | None = None


class _Prepared(NamedTuple):
    document: DocumentNode | None
    errors: list[GraphQLError]


class _Known:
    """What was prepared lately, by the text of its document."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._all: OrderedDict[str, _Prepared] = OrderedDict()

    def get(self, text: str) -> _Prepared | None:
        with self._lock:
            found = self._all.get(text)
            if found is not None:
                self._all.move_to_end(text)
            return found

    def keep(self, text: str, prepared: _Prepared) -> None:
        with self._lock:
            self._all[text] = prepared
            while len(self._all) > _REMEMBERED:
                self._all.popitem(last=False)


class Executor:
    """Executes operations on a library.

    Args:
        library: what they read.
        introspection: whether they may ask what the schema is.
        trusted: a folder or file of trusted documents.
        trusted_only: whether nothing else is executed.

    Raises:
        SettingsError: a trusted document can't be used.
    """

    def __init__(
        self,
        library: Library,
        *,
        introspection: bool,
        trusted: Path | None = None,
        trusted_only: bool = False,
    ) -> None:
        self._library = library
        self._schema = make_schema()._schema
        self._introspection = introspection
        self._rules = [
            *specified_rules,
            *([] if introspection else [NoSchemaIntrospectionCustomRule]),
        ]
        self._trusted = documents.load(trusted, self._schema) if trusted else {}
        self._trusted_only = trusted_only
        self._known = _Known()
        self._of_thread = threading.local()

    def answer(
        self, asked: Asked, *, tell_revision: bool = False, known: Now | None = None
    ) -> Answered:
        """Execute an operation; blocks until it is done.

        Args:
            asked: the operation.
            tell_revision: whether to tell what is read.
            known: what is read, where that was told after the operation had come.
        """
        try:
            text = self._text(asked)
            document, operation = self._prepared(text, asked)
        except _RefusedError as refused:
            return self._told(ExecutionResult(None, refused.errors), executed=False)

        def work(session: Session) -> Answered:
            revision = revision_of(session) if tell_revision else None
            result = self._loop().run_until_complete(
                _executed(
                    execute(
                        self._schema,
                        document,
                        context_value=Context(session),
                        variable_values=dict(asked.variables),
                        operation_name=operation.name.value if operation.name else None,
                        execution_context_class=ShortExecution,
                    )
                )
            )
            server = self._library.server_of(session)
            for error in result.errors or ():
                # The work begins again: what is read has changed, or the replica gave it up.
                if isinstance(error.original_error, OtherRevisionError):
                    raise error.original_error
                if error.original_error and hasattr(error.original_error, "sqlstate"):
                    # The database's own: it went away, took too long, or the replica gave it up.
                    raise error.original_error
            told = self._told(result, executed=True)._replace(server=server)
            return told if result.errors else told._replace(revision=revision)

        return self._library.read(work, known)

    def _text(self, asked: Asked) -> str:
        name = asked.document
        if name is None and asked.query is not None:
            digest = _HASH + hashlib.sha256(asked.query.encode(errors="replace")).hexdigest()
            if self._trusted_only and digest not in self._trusted:
                raise _RefusedError(
                    "Only trusted documents are executed here.", code="UNTRUSTED_DOCUMENT"
                )
            if len(asked.query) > MOST_TEXT:
                raise _RefusedError(f"A document has at most {MOST_TEXT:,} characters.")
            return asked.query
        text = self._trusted.get(name or "")
        if text is None:
            raise _RefusedError("There is no such document.", code="PERSISTED_DOCUMENT_NOT_FOUND")
        return text

    def _prepared(self, text: str, asked: Asked) -> tuple[DocumentNode, OperationDefinitionNode]:
        known = self._known.get(text)
        document = known.document if known else None
        if known is None:
            try:
                document = parse(text, no_location=False, max_tokens=MOST_TOKENS)
            except (GraphQLError, RecursionError) as error:
                told = error if isinstance(error, GraphQLError) else _too_deep()
                raise _RefusedError(told) from None
        if document is not None:
            operation = get_operation_ast(document, asked.operation)
            if operation is not None:
                # Before it is validated: that takes longer than whatever this refuses.
                much = excess(document, operation, _defaults(operation) | dict(asked.variables))
                if much is not None:
                    raise _RefusedError(much)
        if known is None:
            assert document is not None  # noqa: S101
            known = _Prepared(
                document, validate(self._schema, document, self._rules, max_errors=_MOST_ERRORS)
            )
            self._known.keep(text, known)
        if known.errors:
            raise _RefusedError(*known.errors)
        if document is None or operation is None:
            raise _RefusedError(
                "Name one operation of this document: it has none of this name, or several."
            )
        return document, operation

    def _told(self, result: ExecutionResult, *, executed: bool) -> Answered:
        told: dict[str, Any] = {}
        if result.errors:
            told["errors"] = [self._error(error) for error in result.errors[:_MOST_ERRORS]]
        if executed:
            told["data"] = result.data
        return Answered(as_json(told), executed)

    def _error(self, error: GraphQLError) -> dict[str, Any]:
        """An error as it is told: what isn't the asker's affair is only logged."""
        told = dict(error.formatted)
        cause = error.original_error
        if isinstance(cause, QuestionError):
            told["extensions"] = {"code": "BAD_USER_INPUT"}
        elif isinstance(cause, ExpiredError):
            told["extensions"] = {"code": "EXPIRED"}
        elif isinstance(cause, PipelineError):
            told["extensions"] = {"code": "UNAVAILABLE"}
        elif cause is not None and not isinstance(cause, GraphQLError):
            logger.error("A field of GraphQL failed: %s", cause, exc_info=cause)
            told["message"] = "That is a mistake in this program: its log says more."
            told["extensions"] = {"code": "INTERNAL"}
        elif not self._introspection:
            told["message"] = _HINT.sub("", error.message)
        return told

    def _loop(self) -> asyncio.AbstractEventLoop:
        """This thread's own loop, in which what is loaded together waits for each other."""
        loop: asyncio.AbstractEventLoop | None = getattr(self._of_thread, "loop", None)
        if loop is None:
            loop = self._of_thread.loop = asyncio.new_event_loop()
        return loop


class _RefusedError(Exception):
    def __init__(self, *errors: GraphQLError | str, code: str = "REFUSED") -> None:
        super().__init__()
        self.errors = [
            one if isinstance(one, GraphQLError) else GraphQLError(one, extensions={"code": code})
            for one in errors
        ]


def _too_deep() -> GraphQLError:
    return GraphQLError("The document is nested too deeply.")


def _defaults(operation: OperationDefinitionNode) -> dict[str, Any]:
    """The default values of variables that are whole numbers."""
    found: dict[str, Any] = {}
    for one in operation.variable_definitions:
        value = getattr(one.default_value, "value", None)
        if isinstance(value, str) and value.lstrip("-").isdigit():
            found[one.variable.name.value] = int(value[:9])
    return found


async def _executed(result: Awaitable[ExecutionResult] | ExecutionResult) -> ExecutionResult:
    return await result if isawaitable(result) else result
