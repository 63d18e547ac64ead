"""How final articles speak about whom is read once, and again when what is read has changed."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import pytest

from newsapi_dentsu.domain.brands import NO_BRANDS, parse_brands
from newsapi_dentsu.domain.tone import Tone
from newsapi_dentsu.meaning import Passage, ToneModel, ToneReader, tone_model
from newsapi_dentsu.meaning.tone import SHIPPED_TONE
from newsapi_dentsu.reading.states import ArticleFilter, read_articles
from newsapi_dentsu.stages import sentiment as stage
from newsapi_dentsu.stages import workers as working
from newsapi_dentsu.stages.sentiment import score_sentiment
from newsapi_dentsu.warehouse import Warehouse
from newsapi_dentsu.warehouse.queries.explanation import explain
from newsapi_dentsu.warehouse.tables import final
from newsapi_dentsu.warehouse.tables import tone as table
from support.articles import body, record
from support.clock import NOON
from support.forking import fork_workers
from support.processing import process, store
from support.tables import count, execute

ACME = [{"uri": "https://e.example/Acme", "type": "org", "label": {"eng": "Acme Inc."}, "score": 5}]
BRANDS = parse_brands("brands: [{name: Nova, ignore: [Nova Scotia]}]", "brands.yaml")
TEXT = "Artificial intelligence changes marketing number {}. "


class Reader(ToneReader):
    """The shipped model, with something done before each reading, and a count of its texts."""

    def __init__(self, before: Callable[[Passage], None] = lambda _: None, model: str = "") -> None:
        self._before = before
        self._model = model
        self.texts = 0

    @property
    def model(self) -> str:
        return self._model or tone_model().model

    def read(self, passages: Sequence[Passage]) -> list[Tone]:
        for one in passages:
            self._before(one)
        self.texts += len(passages)
        return tone_model().read(passages)


def stored(warehouse: Warehouse, *articles: dict[str, Any]) -> None:
    """Have articles in final; each is told by the fields that matter."""
    records = []
    for number, fields in enumerate(articles):
        given = {"uri": f"{number}", "concepts": ACME, **fields}
        own = f"{TEXT.format(given['uri'])}{given.pop('body', 'Acme rose.')}"
        uri = given.pop("uri")
        records.append(record(uri, NOON - timedelta(hours=1), body=own, **given))
    store(warehouse, *records)
    process(warehouse)


def targets(warehouse: Warehouse) -> list[tuple[str, str, int, str]]:
    with warehouse.snapshot() as session:
        return session.rows(
            f"SELECT target, kind, mentions, label FROM {table.TARGETS} ORDER BY target"
        )


def test_each_target_of_an_article_has_its_tone_and_the_sentences_behind_it(
    warehouse: Warehouse,
) -> None:
    body = (
        "Customers love Nova, the best phone ever made. In Nova Scotia it rains. "
        "Critics condemn Acme for lying to customers and harming children."
    )
    stored(warehouse, {"title": "Critics condemn Acme for a dangerous disaster", "body": body})

    report = score_sentiment(warehouse, tone_model(), BRANDS)

    assert (report.articles, report.mentions, report.left) == (1, 3, 0)
    assert targets(warehouse) == [
        ("Acme Inc.", "org", 2, "negative"),
        ("Nova", "brand", 1, "positive"),
    ]
    with warehouse.snapshot() as session:
        ((article_id,),) = session.rows(f"SELECT article_id FROM {final.TABLE}")
        rows = table.mentions(session, article_id)
        own = table.articles(session, [article_id])[article_id]
    assert [(row.target, row.sentence_number) for row in rows] == [
        ("Acme Inc.", 0),
        ("Nova", 2),
        ("Acme Inc.", 4),
    ]
    assert rows[0].sentence[rows[0].name_start : rows[0].name_end] == "Acme"
    assert rows[1].sentence == "Customers love Nova, the best phone ever made."
    assert own.label == "negative"
    assert own.model == tone_model().model


def test_what_was_read_is_not_read_again(warehouse: Warehouse) -> None:
    stored(warehouse, {}, {})
    score_sentiment(warehouse, tone_model(), NO_BRANDS)
    reader = Reader()

    assert score_sentiment(warehouse, reader, NO_BRANDS).articles == 0
    execute(warehouse, f"UPDATE {final.TABLE} SET change_seq = change_seq + 10, source_name = 'x'")
    assert score_sentiment(warehouse, reader, NO_BRANDS).articles == 2
    assert score_sentiment(warehouse, reader, NO_BRANDS).articles == 0
    assert reader.texts == 0


def test_another_text_is_read(warehouse: Warehouse) -> None:
    stored(warehouse, {"title": "Critics condemn Acme for a dangerous disaster"})
    score_sentiment(warehouse, tone_model(), NO_BRANDS)
    execute(
        warehouse,
        f"UPDATE {final.TABLE} SET change_seq = change_seq + 10, "
        "title = 'Customers love Acme, the best of all', body = 'It rains.', text_end = NULL",
    )
    score_sentiment(warehouse, tone_model(), NO_BRANDS)

    assert targets(warehouse) == [("Acme Inc.", "org", 1, "positive")]


def test_other_brands_and_models_are_taken_up_some_at_a_time_and_the_old_figures_stand(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored(warehouse, {"body": "Nova rose."}, {"body": "Nova rose."}, {"body": "Nova rose."})
    score_sentiment(warehouse, Reader(model="old@1"), BRANDS)
    monkeypatch.setattr(stage, "OUTDATED_IN_RUN", 2)

    def models() -> list[str]:
        with warehouse.snapshot() as session:
            found = session.rows(f"SELECT model FROM {table.TARGETS} ORDER BY model")
        return [model for (model,) in found]

    first = score_sentiment(warehouse, Reader(model="new@2"), BRANDS)
    assert (first.read_again, first.left) == (2, 1)
    assert models() == ["new@2", "new@2", "old@1"]
    second = score_sentiment(warehouse, Reader(model="new@2"), BRANDS)
    assert (second.read_again, second.left) == (1, 0)
    assert models() == ["new@2"] * 3

    assert score_sentiment(warehouse, Reader(model="new@2"), NO_BRANDS).read_again == 2
    assert models() == ["new@2"]


def test_of_a_long_history_a_few_are_read_in_each_run(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored(warehouse, {}, {}, {}, {})
    execute(
        warehouse,
        f"UPDATE {final.TABLE} SET publishedAt = publishedAt - INTERVAL '40 days' "
        f"WHERE article_id <> (SELECT min(article_id) FROM {final.TABLE})",
    )
    monkeypatch.setattr(stage, "EARLIER_IN_RUN", 2)
    reader = Reader()

    reports = [score_sentiment(warehouse, reader, NO_BRANDS) for _ in range(3)]

    assert [(report.articles, report.left) for report in reports] == [(3, 1), (1, 0), (0, 0)]


def test_another_language_is_not_scored(warehouse: Warehouse) -> None:
    stored(warehouse, {})
    execute(warehouse, f"UPDATE {final.TABLE} SET lang = 'deu'")
    reader = Reader()

    report = score_sentiment(warehouse, reader, NO_BRANDS)

    assert (report.not_english, report.mentions, reader.texts) == (1, 0, 0)
    assert targets(warehouse) == []
    assert score_sentiment(warehouse, reader, NO_BRANDS).articles == 0


def test_what_left_final_is_forgotten(warehouse: Warehouse) -> None:
    stored(warehouse, {}, {})
    score_sentiment(warehouse, tone_model(), NO_BRANDS)
    execute(
        warehouse,
        f"DELETE FROM {final.TABLE} WHERE article_id = (SELECT min(article_id) FROM {final.TABLE})",
    )
    score_sentiment(warehouse, tone_model(), NO_BRANDS)

    assert count(warehouse, table.TARGETS) == count(warehouse, table.ARTICLES) == 1


def left_as_a_copy(warehouse: Warehouse) -> None:
    """Of three articles about Nova that were read, one takes over the text of the first."""
    texts = [f"Nova rose. {body(number)}" for number in "012"]
    records = [
        record(f"{number}", NOON - timedelta(hours=3 - number), title=f"Nova {number}", body=text)
        for number, text in enumerate(texts)
    ]
    store(warehouse, *records)
    process(warehouse)
    score_sentiment(warehouse, tone_model(), BRANDS)
    store(warehouse, {**records[1], "body": texts[0]}, now=NOON + timedelta(hours=1))
    process(warehouse, NOON + timedelta(hours=1))


def test_what_left_final_is_known_as_long_as_its_former_rows(warehouse: Warehouse) -> None:
    left_as_a_copy(warehouse)
    # To be seen only by who looks through all articles.
    execute(warehouse, f"UPDATE {table.ARTICLES} SET change_seq = 0")
    reader = Reader()
    # The first: it has a copy now.
    assert score_sentiment(warehouse, reader, BRANDS).articles == 1
    known = [count(warehouse, name) for name in (table.ARTICLES, table.TARGETS, table.MENTIONS)]

    process(warehouse, NOON + timedelta(days=4))
    assert score_sentiment(warehouse, reader, BRANDS).articles == 0
    then = [count(warehouse, name) for name in (table.ARTICLES, table.TARGETS, table.MENTIONS)]

    assert (count(warehouse, final.TABLE), reader.texts) == (2, 0)
    assert (known, then) == ([3, 3, 6], [2, 2, 4])


def test_what_left_final_counts_no_more_though_it_is_known(warehouse: Warehouse) -> None:
    left_as_a_copy(warehouse)
    score_sentiment(warehouse, tone_model(), BRANDS)

    assert len(targets(warehouse)) == 3
    with warehouse.snapshot() as session:
        for counted in (
            "count(*) FROM final.article_targets",
            "count(DISTINCT article_id) FROM final.article_mentions",
            "sum(stories) FROM final.brand_sentiment_by_week",
        ):
            assert session.rows(f"SELECT {counted}") == [(2,)], counted
        read = table.last_reading(session)
        assert read is not None
        day = timedelta(days=1)
        times = {"before": NOON - 60 * day, "since": NOON - 7 * day, "until": NOON + day}
        ((_, stories, *_),) = table.brands_over(session, read, ["Nova"], **times)
        assert stories == 2


def test_a_run_looks_only_at_what_final_brought_since_the_last_one(warehouse: Warehouse) -> None:
    stored(warehouse, {}, {})
    score_sentiment(warehouse, Reader(), NO_BRANDS)
    # To be seen only by who looks through all articles.
    execute(warehouse, f"UPDATE {table.ARTICLES} SET change_seq = 0, model = 'old@1', brands = ''")
    stored(warehouse, {"uri": "new"})

    report = score_sentiment(warehouse, Reader(), NO_BRANDS)

    assert (report.articles, report.read_again, report.left) == (1, 0, 0)


def test_what_was_lost_is_read_again(warehouse: Warehouse) -> None:
    stored(warehouse, {}, {}, {})
    score_sentiment(warehouse, Reader(), NO_BRANDS)
    execute(
        warehouse,
        f"DELETE FROM {table.ARTICLES} "
        f"WHERE article_id = (SELECT min(article_id) FROM {table.ARTICLES})",
    )
    assert score_sentiment(warehouse, Reader(), NO_BRANDS).articles == 1
    execute(warehouse, f"DELETE FROM {table.ARTICLES}")
    assert score_sentiment(warehouse, Reader(), NO_BRANDS).articles == 3


def test_what_another_model_has_read_is_found_though_its_run_was_killed(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stage, "BATCH_ROWS", 1)
    stored(warehouse, {"title": "Acme one"}, {"title": "Acme two"}, {"title": "Acme three"})
    score_sentiment(warehouse, Reader(model="first@1"), NO_BRANDS)
    texts: list[str] = []

    def stop(passage: Passage) -> None:
        texts.append(passage.text)
        if len(texts) > 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        score_sentiment(warehouse, Reader(stop, model="second@1"), NO_BRANDS)
    second = "model = 'second@1'"
    done = count(warehouse, table.ARTICLES, second)

    assert 0 < done < 3
    assert score_sentiment(warehouse, Reader(model="first@1"), NO_BRANDS).read_again == done
    assert count(warehouse, table.ARTICLES, second) == 0


def test_each_text_is_read_as_what_it_is_about(warehouse: Warehouse) -> None:
    concepts = [*ACME, {"uri": "x", "type": "person", "label": {"eng": "Ann Lee"}, "score": 4}]
    stored(warehouse, {"title": "Nova", "body": "Acme sued Ann Lee.", "concepts": concepts})
    read: list[tuple[str, str]] = []

    def keep(one: Passage) -> None:
        read.append((one.text[one.start : one.end], one.subject))

    score_sentiment(warehouse, Reader(keep), BRANDS)

    (opening, about), *others = read
    assert opening.startswith("Nova. ")
    assert about == "article"
    assert sorted(others) == [("Acme", "org"), ("Ann Lee", "person"), ("Nova", "brand")]


def test_a_text_that_breaks_the_model_costs_no_other(warehouse: Warehouse) -> None:
    def refuse(passage: Passage) -> None:
        if "poison" in passage.text:
            raise ValueError("what a text")

    stored(warehouse, {"body": "Acme is poison."}, {"body": "Acme rose."})

    report = score_sentiment(warehouse, Reader(refuse), NO_BRANDS)

    assert (report.articles, report.failed, report.mentions) == (2, 1, 1)
    assert score_sentiment(warehouse, Reader(refuse), NO_BRANDS).articles == 0


def test_a_killed_stage_goes_on_where_it_was(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stage, "BATCH_ROWS", 1)
    stored(warehouse, {"title": "Acme one"}, {"title": "Acme two"}, {"title": "Acme three"})
    seen: list[str] = []

    def stop(passage: Passage) -> None:
        seen.append(passage.text)
        if len(seen) > 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        score_sentiment(warehouse, Reader(stop), NO_BRANDS)
    done = count(warehouse, table.ARTICLES)

    assert 0 < done < 3
    assert score_sentiment(warehouse, Reader(), NO_BRANDS).articles == 3 - done


def test_many_articles_are_read_by_other_processes_and_the_same(
    warehouse: Warehouse, other_warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    fork_workers(monkeypatch)
    monkeypatch.setattr(working, "processors", lambda: 2)
    monkeypatch.setattr(stage, "_AT_ONCE", 1)
    model = ToneModel(SHIPPED_TONE)
    query = f"SELECT * FROM {table.MENTIONS} ORDER BY article_id, target, sentence_number"
    told = []
    for one, many in ((warehouse, 1), (other_warehouse, 1_000)):
        monkeypatch.setattr(stage, "_MANY", many)
        stored(one, {"title": "Regulators sue Acme for fraud"}, {"title": "Customers love Acme"})
        assert "_network" not in vars(model)
        score_sentiment(one, model, NO_BRANDS)
        with one.snapshot() as session:
            told.append(session.rows(query))
    assert told[0] == told[1] != []


def test_a_story_counts_once_in_a_week(warehouse: Warehouse) -> None:
    stored(
        warehouse,
        {"title": "Critics condemn Acme for a dangerous disaster"},
        {"title": "Critics condemn Acme for its dangerous disaster, again and again"},
        {"title": "Customers love Acme, the best of all"},
    )
    score_sentiment(warehouse, tone_model(), NO_BRANDS)
    execute(warehouse, f"UPDATE {final.TABLE} SET story_id = 's' WHERE title LIKE 'Critics%'")

    with warehouse.snapshot() as session:
        found = session.rows(
            "SELECT target, stories, negative, positive, neutral + uncertain "
            "FROM final.brand_sentiment_by_week"
        )
    assert sum(row[1] for row in found) == 2
    assert {row[0] for row in found} == {"Acme Inc."}


def test_the_sentences_are_explained_and_articles_are_found_by_brand_and_tone(
    warehouse: Warehouse,
) -> None:
    stored(
        warehouse,
        {"title": "Critics condemn Acme for lying to customers", "body": "It rains."},
        {"title": "Customers love Acme, the best of all", "body": "It rains."},
    )
    score_sentiment(warehouse, tone_model(), NO_BRANDS)

    with warehouse.snapshot() as session:
        (path,) = explain(session, "https://adledger.example/0")
    assert path.tone is not None
    assert [one.target for one in path.targets] == ["Acme Inc."]
    assert path.mentions[0].sentence == "Critics condemn Acme for lying to customers"

    def titles(**wanted: Any) -> list[str]:
        pages = read_articles(warehouse, ArticleFilter(**wanted))
        at = list(final.COLUMNS).index("title")
        return sorted(row[at] for page in pages for row in page)

    assert len(titles(brand="acme inc.")) == 2
    assert titles(brand="Acme Inc.", tone="negative") == [path.mentions[0].sentence]
    assert titles(brand="Acme") == titles(brand="Nova", tone="negative") == []
    assert titles(tone="negative") == [path.mentions[0].sentence]
