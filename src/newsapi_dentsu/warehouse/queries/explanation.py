"""An article's whole path: its records, the article made of them, and the verdict."""

import re
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby
from operator import itemgetter

from newsapi_dentsu.domain.json_text import parse_json
from newsapi_dentsu.domain.text import canonical_json, clean_title
from newsapi_dentsu.domain.urls import address, article_id, article_url
from newsapi_dentsu.warehouse.engines.base import Session
from newsapi_dentsu.warehouse.tables import assessments, final, positions, processed, raw, tone
from newsapi_dentsu.warehouse.tables.assessments import Assessed
from newsapi_dentsu.warehouse.tables.tone import ArticleRow, MentionRow, TargetRow

_LIKE_A_HOST = re.compile(r"[\w-]+(\.[\w-]+)+\.?(:\d{1,5})?([/?#]|$)")
"""How a url begins that somebody copied without its scheme."""


@dataclass(frozen=True, slots=True)
class RecordPath:
    """A raw record and what became of it; `outcome` is `waiting` before deduplication.

    `url` is the link as the record gave it where that is none that anybody could open.
    """

    seq: int
    uri: str
    version: int
    url: str | None
    title: str | None
    published_at: datetime | None
    indexed_at: datetime | None
    fetched_at: datetime
    problems: str | None
    outcome: str
    reason: str | None


@dataclass(frozen=True, slots=True)
class ShownText:
    """A text that the article has shown, as a record gave it, since `shown_from`."""

    shown_from: datetime | None
    published_at: datetime | None
    link: str | None
    title: str | None
    body: str | None
    outcome: str


@dataclass(frozen=True, slots=True)
class ArticleText:
    """What relevance is judged by, and where the own text lies in a body of `length` characters."""

    title: str
    own_text: str
    concepts: str
    categories: str
    length: int
    start: int | None
    end: int | None


@dataclass(frozen=True, slots=True)
class StoryMember:
    """An article of the same story."""

    article_id: str
    link: str
    role: str
    published_at: datetime | None
    source_uri: str | None
    is_final: bool


@dataclass(frozen=True, slots=True)
class Departed:
    """When and why the article left final, or shows another text there, and which one that is."""

    at: datetime
    reason: str
    replaced_by: str | None


@dataclass(frozen=True, slots=True)
class ArticlePath:
    """An article and the records that make it.

    `verdict` is `final`, `rejected`, `waiting` for the filter, or `none` where there is no
    article. `standing` tells its place among the articles of its story, `versions` its texts, the
    earliest first. `text_of` is the link of the article whose fuller text final shows for it.
    `tone` is that of its opening, `targets` tells how it speaks about whom, and `mentions` are the
    sentences behind that; all of them only of an article in final. `tone_waits` tells whether one
    of the next runs reads it again: it has changed, or others were read by another model or for
    other brands since.
    """

    article_id: str | None
    url: str | None
    link: str | None
    records: list[RecordPath]
    version: int | None
    published_at: datetime | None
    first_published_at: datetime | None
    verdict: str
    reason: str | None
    detail: str | None
    updated_at: datetime | None
    text: ArticleText | None = None
    standing: Assessed | None = None
    story: tuple[StoryMember, ...] = ()
    departures: tuple[Departed, ...] = ()
    versions: tuple[ShownText, ...] = ()
    text_of: str | None = None
    tone: ArticleRow | None = None
    targets: tuple[TargetRow, ...] = ()
    mentions: tuple[MentionRow, ...] = ()
    tone_waits: bool = False

    @property
    def title(self) -> str | None:
        """The article's title; that of the first record which has one where there is no article."""
        given = (clean_title(record.title) for record in self.records if record.title)
        return self.text.title if self.text else next(given, None)


def explain(session: Session, name: str) -> list[ArticlePath]:
    """Follow every article that a name leads to.

    Args:
        session: the warehouse as it is read.
        name: a url, in any spelling; a link that is none, as a record gave it; a record's uri; the
            id of an article or a story.
    """
    # Neither engine takes halves of characters or NUL, and so stores none.
    stored = name.encode("utf-8", "replace").decode().replace("\0", "")
    article_ids = _articles_at(session, name) | _known_by_id(session, stored)
    unattached: list[int] = []
    for seq, url, uri, record, found in session.rows(
        f"SELECT r.seq, r.url, r.uri, r.record, o.article_id FROM {raw.TABLE} r "
        f"LEFT JOIN {processed.OUTCOMES} o ON o.raw_seq = r.seq "
        "WHERE r.uri = $1 OR r.url = $1 OR (r.url IS NULL AND strpos(r.record, $2) > 0)",
        stored,
        canonical_json({"url": name})[1:-1],
    ):
        if name not in (url, uri, _given_link(record)):
            continue
        if found is None:
            unattached.append(seq)
        else:
            article_ids.add(found)
    paths = [path for key in sorted(article_ids) if (path := _article_path(session, key))]
    if unattached:
        records = _records(session, "r.seq IN (SELECT unnest($1::bigint[]))", unattached)
        paths.append(_no_article(records))
    return paths


def articles_called(session: Session, name: str) -> list[str]:
    """The ids of the articles that a name leads to.

    Args:
        session: the warehouse as it is read.
        name: a url, in any spelling; an article's id; a link or a record's uri, as a record gave
            it.
    """
    stored = name.encode("utf-8", "replace").decode().replace("\0", "")
    found = _articles_at(session, name) | {stored} & set(processed.headings(session, [stored]))
    if not found:
        rows = session.rows(
            f"SELECT DISTINCT o.article_id FROM {raw.TABLE} r "
            f"JOIN {processed.OUTCOMES} o ON o.raw_seq = r.seq "
            "WHERE (r.uri = $1 OR r.url = $1) AND o.article_id IS NOT NULL",
            stored,
        )
        found = {key for (key,) in rows}
    return sorted(found)


def _known_by_id(session: Session, name: str) -> set[str]:
    # A story has the id of its first article, which it keeps without it.
    return {name} & set(processed.headings(session, [name])) or {
        member.article_id for member in assessments.members_of(session, name)
    }


def _given_link(record: str) -> str | None:
    fields = parse_json(record)
    link = fields.get("url") if isinstance(fields, dict) else None
    return link if isinstance(link, str) else None


def _articles_at(session: Session, url: str) -> set[str]:
    """The articles of a page; only one where the url names it by its fragment."""
    if _LIKE_A_HOST.match(url) and address(url) is None:
        url = f"https://{url}"
    found = address(url)
    if found is None:
        return set()
    keys = {
        key
        for (key,) in session.rows(
            f"SELECT DISTINCT article_id FROM {processed.OUTCOMES} WHERE page_id = $1",
            article_id(found.page),
        )
    }
    named = {article_id(url), article_id(article_url(found.page, found.fragment))}
    return keys & (named - {article_id(found.page)}) or keys


def _no_article(records: list[RecordPath]) -> ArticlePath:
    return ArticlePath(
        article_id=None,
        url=None,
        link=None,
        records=records,
        version=None,
        published_at=None,
        first_published_at=None,
        verdict="none",
        reason=None,
        detail=None,
        updated_at=None,
    )


def _article_path(session: Session, key: str) -> ArticlePath | None:
    records = _records(session, "o.article_id = $1", key)
    if not records:
        return None
    url, link, version, published_at, first_published_at, updated_at, *text = session.rows(
        "SELECT url, link, version, publishedAt, first_published_at, updated_at, title, "
        f"{processed.OWN_TEXT}, concepts, categories, length(body), text_start, text_end "
        f"FROM {processed.TABLE} WHERE article_id = $1",
        key,
    )[0]
    verdict, reason, detail, text_of = "waiting", None, None, None
    if not _waits(session, key):
        if shown := final.articles(session, [key]).get(key):
            verdict = "final"
            if shown.text_of:
                text_of = processed.headings(session, [shown.text_of])[shown.text_of].link
        elif rejection := final.rejections(session, [key]).get(key):
            verdict, reason, detail = "rejected", rejection.reason, rejection.detail
    standing = assessments.assessed(session, [key]).get(key)
    departures = session.rows(
        f"SELECT changed_at, reason, replaced_by FROM {final.CHANGES} WHERE article_id = $1 "
        "ORDER BY seq",
        key,
    )
    return ArticlePath(
        key,
        url,
        link,
        records,
        version,
        published_at,
        first_published_at,
        verdict,
        reason,
        detail,
        updated_at,
        ArticleText(*text),
        standing,
        _story(session, standing.story_id) if standing else (),
        tuple(Departed(*row) for row in departures),
        _versions(session, key),
        text_of,
        *_tone(session, key if verdict == "final" else None),
    )


def _tone(
    session: Session, key: str | None
) -> tuple[ArticleRow | None, tuple[TargetRow, ...], tuple[MentionRow, ...], bool]:
    known = tone.articles(session, [key]).get(key) if key else None
    if key is None or known is None:
        return None, (), (), key is not None
    waits = tone.waits(session, key)
    return known, tuple(tone.targets(session, key)), tuple(tone.mentions(session, key)), waits


def _versions(session: Session, key: str) -> tuple[ShownText, ...]:
    found = session.rows(
        "SELECT shown_from, publishedAt, link, title, body, outcome, text_hash "
        f"FROM {final.VERSIONS} WHERE article_id = $1 ORDER BY shown_from, uri, uri_version",
        key,
    )
    # One after another; a text under another spelling of the link is no version.
    return tuple(ShownText(*row[:-1]) for _, (row, *_) in groupby(found, itemgetter(-1)))


def _waits(session: Session, key: str) -> bool:
    """Whether a stage is still to take the article as it is now."""
    return bool(
        session.rows(
            f"SELECT 1 FROM {processed.TABLE} AS p "
            f"LEFT JOIN {assessments.TABLE} AS a ON a.article_id = p.article_id "
            "WHERE p.article_id = $1 AND (p.change_seq > $2 OR a.change_seq IS NULL "
            "OR a.change_seq > $3)",
            key,
            positions.position(session, positions.GROUPED),
            positions.position(session, positions.CURATED),
        )
    )


def _story(session: Session, story_id: str) -> tuple[StoryMember, ...]:
    members = assessments.members_of(session, story_id)
    ids = [member.article_id for member in members]
    headings, in_final = processed.headings(session, ids), final.articles(session, ids)
    return tuple(
        StoryMember(
            member.article_id,
            headings[member.article_id].link,
            member.role,
            member.published_at,
            member.source_uri,
            member.article_id in in_final,
        )
        for member in members
    )


def _records(session: Session, condition: str, parameter: object) -> list[RecordPath]:
    found = session.rows(
        "SELECT CASE WHEN r.url IS NULL THEN r.record END, r.seq, r.uri, r.version, r.url, "
        "r.title, r.publishedAt, r.indexed_at, r.fetched_at, r.problems, "
        "coalesce(o.outcome, 'waiting'), o.reason "
        f"FROM {raw.TABLE} r LEFT JOIN {processed.OUTCOMES} o ON o.raw_seq = r.seq "
        f"WHERE {condition} ORDER BY r.seq",
        parameter,
    )
    return [
        replace(path, url=_given_link(record)) if record else path
        for record, path in ((record, RecordPath(*row)) for record, *row in found)
    ]
