"""Teaching: keeping what people say of articles, and what it does to the scores."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from newsapi_dentsu.domain.assessment import OFF_TOPIC, relevance_of
from newsapi_dentsu.domain.passages import opening_of, passages
from newsapi_dentsu.domain.relevance import Yardstick
from newsapi_dentsu.domain.teaching import Learnt
from newsapi_dentsu.domain.topics import Topics
from newsapi_dentsu.errors import TopicsError
from newsapi_dentsu.meaning import Embedder
from newsapi_dentsu.stages.judging import meanings_of, measure_for
from newsapi_dentsu.warehouse import Warehouse
from newsapi_dentsu.warehouse.engines.base import Session
from newsapi_dentsu.warehouse.queries.explanation import articles_called
from newsapi_dentsu.warehouse.tables import assessments, positions, processed, verdicts
from newsapi_dentsu.warehouse.tables.verdicts import Verdict

LATEST = 2_000
"""Articles by which it is told what a refresh would change: so many are scored in seconds."""

BATCH_CHARACTERS = 12_000_000


@dataclass(frozen=True, slots=True)
class Lesson:
    """What was said, what was said of the same before, and what all verdicts teach now."""

    said: Verdict
    before: Verdict | None
    learnt: Learnt | None
    readable: bool


@dataclass(frozen=True, slots=True)
class Effect:
    """Of the latest articles, how many verdicts on relevance a refresh would turn, each way."""

    looked_at: int
    entering: int
    leaving: int


def asked_of(topics: Topics, topic: str | None) -> frozenset[str]:
    """The topics that a verdict is on: the one that is named, else all of the file together.

    Raises:
        TopicsError: the file has no topic of this name.
    """
    names = [one.name for one in topics.topics]
    if topic is None:
        return frozenset(names)
    if found := [name for name in names if name.casefold() == topic.strip().casefold()]:
        return frozenset(found[:1])
    raise TopicsError(f"there is no topic {topic}: the topics file has {', '.join(names)}")


def teach(
    warehouse: Warehouse,
    topics: Topics,
    embedder: Embedder,
    called: str,
    *,
    belongs: bool,
    topic: str | None,
    by: str,
    now: datetime,
) -> Lesson:
    """Keep a person's verdict on an article, and fit the scores to all verdicts anew.

    Args:
        warehouse: where the article is.
        topics: the topics file.
        embedder: what makes vectors.
        called: the article's url in any spelling, its id, or a link of its records.
        belongs: whether it belongs to the topics.
        topic: the name of the only topic that is meant; None for all together.
        by: who says so.
        now: when.

    Raises:
        TopicsError: no article is called so, or several, or no topic.
    """
    wanted = asked_of(topics, topic)
    # By a snapshot, which wants tables of this version.
    article_id = warehouse.read(partial(_only, called=called))

    def keep(session: Session) -> tuple[Verdict, Verdict | None]:
        (article,) = processed.articles(session, [article_id]).values()
        key = verdicts.key_of(wanted)
        said = Verdict(
            verdicts.verdict_id_of(key, article.article_id),
            key,
            article.article_id,
            belongs,
            article.link,
            article.title,
            opening_of(article.own_text),
            article.concepts,
            article.categories,
            article.source_uri,
            by,
            now,
        )
        before = verdicts.find(session, said.verdict_id)
        verdicts.save(session, [said])
        return said, before

    said, before = warehouse.write(keep)
    learnt = warehouse.read(partial(measure_for, topics=topics, embedder=embedder)).learnt
    of = next((one for one in learnt if one.topics == wanted), None)
    parts = passages(said.title, said.opening)
    return Lesson(said, before, of, bool(parts) and embedder.reads(parts[0]))


def forget(warehouse: Warehouse, wanted: frozenset[str], called: str | None) -> list[Verdict]:
    """Take back what was said of an article on some topics, or all that was said on them.

    Raises:
        TopicsError: nothing was said of that article.
    """

    def said(session: Session) -> list[Verdict]:
        key = verdicts.key_of(wanted)
        found = [one for one in verdicts.verdicts(session) if one.topics == key]
        if called is None:
            return found
        # The article itself may be gone.
        keys = {called, *articles_called(session, called)}
        return [one for one in found if keys & {one.article_id, one.link}]

    found = warehouse.read(said)
    if called is not None and not found:
        raise TopicsError(
            f"nothing was said of {called} on {on(wanted)}: `newsapi topics verdicts` lists what "
            "was"
        )
    warehouse.write(partial(verdicts.remove, said=found))
    return found


def effect(warehouse: Warehouse, topics: Topics, embedder: Embedder) -> Effect:
    """What a refresh would change of the latest articles by relevance alone."""
    measure = warehouse.read(partial(measure_for, topics=topics, embedder=embedder)).yardstick
    return warehouse.read(partial(_effect, measure=measure))


def _effect(session: Session, measure: Yardstick) -> Effect:
    grouped = positions.position(session, positions.GROUPED)
    articles, _ = processed.changes_after(
        session, max(0, grouped - LATEST), rows=LATEST, characters=BATCH_CHARACTERS
    )
    meanings = meanings_of(
        session, measure.model, {one.article_id: (one.title, one.own_text) for one in articles}
    )
    judged = assessments.assessed(session, [one.article_id for one in articles])
    entering = leaving = 0
    for one in articles:
        verdict = judged.get(one.article_id)
        if verdict is None or verdict.rejection not in (None, OFF_TOPIC):
            continue
        _, found = relevance_of(
            measure,
            title=one.title,
            body=one.own_text,
            lang=one.lang,
            concepts=one.concepts,
            categories=one.categories,
            meaning=meanings.get(one.article_id),
        )
        enough = found.overall >= measure.topics.relevance.threshold
        entering += enough and verdict.rejection == OFF_TOPIC
        leaving += not enough and verdict.rejection is None
    return Effect(len(articles), entering, leaving)


def on(topics: Collection[str]) -> str:
    """Some topics, in words."""
    return " and ".join(sorted(topics))


def _only(session: Session, called: str) -> str:
    found: Sequence[str] = articles_called(session, called)
    if not found:
        raise TopicsError(
            f"no stored article is called {called}: give its url, its id or its link, as "
            "`newsapi articles` or `newsapi explain` show them"
        )
    if len(found) > 1:
        listed = ", ".join(found[:5])
        raise TopicsError(f"{called} has several articles: give the id of one of them ({listed})")
    return found[0]
