"""Understanding: a vector of what each article that waits to be judged is about.

A vector belongs to a text, whichever articles have it, and is made once ever. So the stage needs no
position of its own: it makes what is missing of the articles that grouping will take.
"""

import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain

from newsapi_dentsu.domain.passages import passage_hash, passages
from newsapi_dentsu.domain.vectors import Vector
from newsapi_dentsu.errors import ModelError
from newsapi_dentsu.meaning import Embedder
from newsapi_dentsu.progress import Progress, no_progress
from newsapi_dentsu.stages import setting_aside
from newsapi_dentsu.stages.report import UnderstandReport
from newsapi_dentsu.stages.workers import Workers, workers
from newsapi_dentsu.warehouse import Warehouse
from newsapi_dentsu.warehouse.engines.base import DIMENSIONS, Session
from newsapi_dentsu.warehouse.tables import assessments, embeddings, positions, processed
from newsapi_dentsu.warehouse.tables.processed import OwnText

logger = logging.getLogger(__name__)

BATCH_ROWS = 1_000
BATCH_CHARACTERS = 12_000_000
TIDIED_AT_ONCE = 10_000
"""Vectors that are looked at, and deleted, in one transaction."""

_AT_ONCE = 25
"""Texts that one process takes at a time: so many take a fraction of a second."""

_TRIED = 40
"""Texts by which it is told how long others take."""

_FEW = 100
"""Texts of articles that are read by their ids, however long each is."""

_MANY = 1_000
"""Articles for which it pays to start processes."""

_UNREADABLE = "the model can't read it"
_KILLED = "the process that read it was killed, most likely because memory ran out"


def understand(
    warehouse: Warehouse,
    embedder: Embedder,
    *,
    full_refresh: bool = False,
    progress: Progress = no_progress,
) -> UnderstandReport:
    """Make the vectors that are missing for the articles that wait for grouping.

    Each batch is stored in a transaction, so that a killed stage makes little again. A text that no
    vector can be made of keeps none of the others from theirs.

    Args:
        warehouse: where the articles are.
        embedder: what makes the vectors.
        full_refresh: whether to look at every article; vectors that are there stay.
        progress: told how many of the waiting articles are done.

    Raises:
        ModelError: the model can't be used, or its vectors don't fit the table.
    """
    if embedder.dimensions != DIMENSIONS:
        raise ModelError(
            f"{embedder.model} makes vectors of {embedder.dimensions} numbers, and the database "
            f"keeps {DIMENSIONS} of each: set SENTENCE_MODEL to a model that fits"
        )

    def begin(session: Session) -> tuple[int, int, list[str]]:
        after = 0 if full_refresh else positions.position(session, positions.GROUPED)
        # Grouping may try them again.
        aside = [] if full_refresh else assessments.set_aside(session)
        return after, processed.count_after(session, after) + len(aside), aside

    after, waiting, aside = warehouse.read(begin)
    texts = chain(_texts_of(warehouse, aside), _texts_after(warehouse, after))
    progress(0, waiting)
    total = UnderstandReport(embedder.model)
    with workers(wanted=waiting >= _MANY) as helpers:
        for batch in _one_ahead(_batches(warehouse, embedder, helpers, texts)):
            if batch.missing:
                # Others may use the database while vectors are made.
                warehouse.release()
            made: dict[str, Vector] = {}
            for done, (text_hash, result) in enumerate(
                zip(batch.missing, chain.from_iterable(batch.results), strict=True)
            ):
                if isinstance(result, str):
                    why = f"{batch.missing[text_hash]} is judged without its meaning: {result}"
                    logger.warning(why)
                else:
                    made[text_hash] = result
                progress(total.articles + batch.articles * done // len(batch.missing), waiting)
            warehouse.write(partial(embeddings.save, model=embedder.model, made=made))
            total = replace(
                total,
                articles=total.articles + batch.articles,
                made=total.made + len(made),
                failed=total.failed + len(batch.missing) - len(made),
            )
            progress(total.articles, waiting)
    return total


@dataclass(frozen=True, slots=True)
class Missing:
    """How many texts have no vector yet, and about how many seconds it takes to make them."""

    texts: int
    seconds: float


def missing(warehouse: Warehouse, embedder: Embedder) -> Missing:
    """What a full refresh has to understand; how long that takes is tried with a few texts.

    Raises:
        ModelError: the model can't be used.
    """
    wanted: set[bytes] = set()
    sample: list[str] = []
    articles = 0
    for found in _texts_after(warehouse, 0):
        texts = {
            passage_hash(passage): passage
            for one in found
            for passage in passages(one.title, one.own_text)
        }
        there = warehouse.read(partial(embeddings.known, model=embedder.model, hashes=texts))
        lacking = [text for key, text in texts.items() if key not in there]
        wanted.update(bytes.fromhex(key) for key in texts.keys() - there)
        sample += lacking[: _TRIED - len(sample)]
        articles += len(found)
    if not sample:
        return Missing(0, 0.0)
    # The first text takes the time to load the model.
    _vectors(embedder, sample[:1])
    with workers(wanted=articles >= _MANY) as helpers:
        # Each of several processes reads one text at a time.
        portions = [sample] if helpers.count == 1 else [[text] for text in sample]
        begun = time.monotonic()
        for portion in portions:
            _vectors(embedder, portion)
        each = (time.monotonic() - begun) / len(sample)
        return Missing(len(wanted), len(wanted) * each / helpers.count)


@dataclass(frozen=True, slots=True)
class _Batch:
    """Some articles, and the vectors that are being made for those of their texts without one."""

    articles: int
    missing: Mapping[str, str]
    """The hash of each of these texts, and an article that has it."""

    results: Iterator[Sequence[Vector | str]]


def _batches(
    warehouse: Warehouse,
    embedder: Embedder,
    helpers: Workers,
    articles: Iterator[Sequence[OwnText]],
) -> Iterator[_Batch]:
    before: Mapping[str, str] = {}
    for found in articles:
        texts = {
            passage_hash(passage): (passage, one.article_id)
            for one in found
            for passage in passages(one.title, one.own_text)
        }
        there = warehouse.read(partial(embeddings.known, model=embedder.model, hashes=texts))
        wanted = {key: text for key, text in texts.items() if key not in there | before.keys()}
        passages_ = [passage for passage, _ in wanted.values()]
        portions = [passages_[at : at + _AT_ONCE] for at in range(0, len(passages_), _AT_ONCE)]
        results = helpers.map(partial(_vectors, embedder), portions, lambda _: _KILLED)
        before = {key: article_id for key, (_, article_id) in wanted.items()}
        yield _Batch(len(found), before, results)


def _texts_of(warehouse: Warehouse, article_ids: Sequence[str]) -> Iterator[list[OwnText]]:
    """The texts of these articles, some at a time."""
    for at in range(0, len(article_ids), _FEW):
        keys = article_ids[at : at + _FEW]
        found = warehouse.read(partial(processed.compared_texts, article_ids=keys))
        yield [OwnText(key, one.title, one.text) for key, one in found.items()]


def _texts_after(warehouse: Warehouse, after: int) -> Iterator[list[OwnText]]:
    """The texts of the articles after a change number, some at a time."""
    while True:
        found, after = warehouse.read(
            partial(
                processed.own_texts_after,
                change_seq=after,
                rows=BATCH_ROWS,
                characters=BATCH_CHARACTERS,
            )
        )
        if not found:
            return
        yield found


def _one_ahead(batches: Iterator[_Batch]) -> Iterator[_Batch]:
    """The batches, each when the next has begun: processes needn't wait for what is stored."""
    current = next(batches, None)
    while current:
        following = next(batches, None)
        yield current
        current = following


def _vectors(embedder: Embedder, texts: Sequence[str]) -> list[Vector | str]:
    """The vector of each text, or why there is none."""
    try:
        readable = [text for text in texts if embedder.reads(text)]
        made = dict(zip(readable, embedder.embed(readable), strict=True))
    except ModelError:
        raise
    except Exception:
        # One of them breaks a library: by itself it costs the others nothing.
        return [vector_of(embedder, text) for text in texts]
    return [made.get(text, _UNREADABLE) for text in texts]


def vector_of(embedder: Embedder, text: str) -> Vector | str:
    """The vector of a text, or why there is none.

    Raises:
        ModelError: the model can't be used.
    """
    try:
        if not embedder.reads(text):
            return _UNREADABLE
        vector: Vector = embedder.embed([text])[0]
    except ModelError:
        raise
    except Exception as error:
        # Whatever it is about this text, the others must go on.
        return setting_aside.told(error)
    return vector


def tidy(warehouse: Warehouse, model: str, progress: Progress = no_progress) -> int:
    """Delete the vectors of other models, and of texts that no article has any more.

    Bounded: it keeps 100 bytes in memory for each text, and deletes some thousands at a time.

    Returns:
        How many were deleted.
    """
    used: set[bytes] = set()
    done, waiting = 0, warehouse.read(partial(processed.count_after, change_seq=0))
    for found in _texts_after(warehouse, 0):
        used.update(
            bytes.fromhex(passage_hash(passage))
            for one in found
            for passage in passages(one.title, one.own_text)
        )
        done += len(found)
        progress(done, waiting)
    deleted = 0
    for one in warehouse.read(embeddings.models):
        hashes, last = [], ""
        while hashes := warehouse.read(
            partial(embeddings.hashes_after, model=one, after=last, limit=TIDIED_AT_ONCE)
        ):
            last = hashes[-1]
            unused = [key for key in hashes if one != model or bytes.fromhex(key) not in used]
            warehouse.write(partial(embeddings.remove, model=one, hashes=unused))
            deleted += len(unused)
    return deleted
