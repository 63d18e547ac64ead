"""People's verdicts and examples: kept, taken back, and part of the rules that judge."""

import os
import signal
from datetime import timedelta

import pytest

from newsapi_dentsu.domain.topics import Topics, parse_topics
from newsapi_dentsu.errors import TopicsError
from newsapi_dentsu.meaning import sentence_model
from newsapi_dentsu.stages import teaching
from newsapi_dentsu.stages.curate import curate
from newsapi_dentsu.stages.deduplicate import deduplicate
from newsapi_dentsu.stages.group import group
from newsapi_dentsu.stages.report import GroupReport
from newsapi_dentsu.stages.teaching import Lesson, effect, forget, teach
from newsapi_dentsu.stages.trying import attempt
from newsapi_dentsu.stages.understand import understand
from newsapi_dentsu.warehouse import Warehouse
from newsapi_dentsu.warehouse.tables import assessments, verdicts
from support.articles import record
from support.clock import NOON
from support.databases import Database, DuckDBDatabases
from support.parts import first_quick
from support.processes import process as another_process
from support.processing import store
from support.tables import column, count

GARDENS = """
quality: {min_words: 1}
topics:
  - name: Gardens
    description: Gardens, flowers, vegetables and the people who grow them.
    keywords: [garden, flowers, vegetables]
"""
HOMES = """
  - name: Homes
    description: Houses and flats, and how people live in them.
    keywords: [house, flat]
"""
YES = {
    "roses": "How to prune roses before the winter so that the garden flowers again in spring.",
    "beans": "Gardeners who sow beans in May harvest vegetables until the first frost.",
    "farm": "A dairy farm opens its stable to visitors, who may milk the cows by hand.",
    "cows": "Cows on the farm graze in the open from April, which makes the milk better.",
    "hens": "Hens that run free on a farm lay fewer eggs, but the farmer sells them dearer.",
}
NO = {
    "rates": "The central bank left its main rate unchanged as inflation fell in October.",
    "bonds": "Bonds fell as investors expect the central bank to raise its rates again.",
    "cup": "The striker scored twice as the home side won the cup final in extra time.",
    "goal": "A late goal in the cup sends the champions out, and their coach resigns.",
}
LATER = {"sheep": "Sheep on the farm are shorn in May, and visitors may watch the farmer."}


def topics(text: str = GARDENS) -> Topics:
    return parse_topics(text, "topics.yaml")


def fill(warehouse: Warehouse, *texts: dict[str, str]) -> None:
    for given in texts or (YES, NO, LATER):
        store(
            warehouse,
            *(
                record(name, NOON - timedelta(hours=1), title=f"About {name}", body=text)
                for name, text in given.items()
            ),
        )
    deduplicate(warehouse, now=NOON)
    understand(warehouse, sentence_model())


def judge(warehouse: Warehouse, by: Topics | None = None, *, full: bool = False) -> GroupReport:
    report = group(
        warehouse, by or topics(), now=NOON, full_refresh=full, embedder=sentence_model()
    )
    curate(warehouse, now=NOON)
    return report


def say(warehouse: Warehouse, name: str, *, belongs: bool, topic: str | None = None) -> Lesson:
    url = name if "/" in name else f"adledger.example/{name}"
    return teach(
        warehouse,
        topics(),
        sentence_model(),
        url,
        belongs=belongs,
        topic=topic,
        by="jo",
        now=NOON,
    )


def teach_all(warehouse: Warehouse) -> Lesson:
    for name in (*NO, *YES):
        lesson = say(warehouse, name, belongs=name in YES)
    return lesson


def scores(warehouse: Warehouse) -> dict[str, float]:
    """Each article's relevance."""
    found = (column(warehouse, assessments.TABLE, name) for name in ("article_id", "relevance"))
    return dict(zip(*found, strict=True))


def test_verdicts_are_kept_and_judged_by(warehouse: Warehouse) -> None:
    fill(warehouse)
    judge(warehouse)
    before = scores(warehouse)
    lesson = teach_all(warehouse)
    assert lesson.learnt
    assert lesson.learnt.used
    assert (lesson.learnt.yes, lesson.learnt.no) == (5, 4)
    assert count(warehouse, verdicts.TABLE) == 9
    assert scores(warehouse) == before
    told = effect(warehouse, topics(), sentence_model())
    assert told.entering > 0
    # Earlier articles keep their verdicts until a refresh, and the run says so.
    assert judge(warehouse).rules_changed
    report = judge(warehouse, full=True)
    after = scores(warehouse)
    turned = [key for key in before if (before[key] >= 0.5) != (after[key] >= 0.5)]
    assert len(turned) == told.entering + told.leaving
    assert not report.rules_changed
    assert not judge(warehouse).rules_changed
    tried = attempt(warehouse, topics(), sentence_model())
    assert tried.rejected == report.off_topic

    taken = forget(warehouse, teaching.asked_of(topics(), None), None)
    assert len(taken) == 9
    assert judge(warehouse).rules_changed
    judge(warehouse, full=True)
    assert scores(warehouse) == before


def test_the_order_in_which_articles_come_changes_nothing(
    warehouse: Warehouse, other_warehouse: Warehouse
) -> None:
    fill(warehouse)
    teach_all(warehouse)
    judge(warehouse, full=True)
    fill(other_warehouse, LATER, YES)
    judge(other_warehouse)
    fill(other_warehouse, NO)
    teach_all(other_warehouse)
    judge(other_warehouse)
    judge(other_warehouse, full=True)
    assert scores(other_warehouse) == scores(warehouse)


@pytest.mark.parametrize(
    "called",
    first_quick(
        [
            "http://www.adledger.example/roses/?utm_source=x",
            "roses",
            "https://adledger.example/roses",
            "adledger.example/roses",
        ],
        2,
    ),
)
def test_an_article_is_found_as_people_call_it(
    duckdb_databases: DuckDBDatabases, called: str
) -> None:
    warehouse = duckdb_databases.create().open()
    fill(warehouse, YES)
    found = teach(
        warehouse, topics(), sentence_model(), called, belongs=True, topic=None, by="", now=NOON
    ).said
    assert found.title == "About roses"
    by_id = say(warehouse, "roses", belongs=False)
    assert by_id.before
    assert by_id.before.belongs
    assert count(warehouse, verdicts.TABLE) == 1
    wanted = teaching.asked_of(topics(), "gardens")
    assert forget(warehouse, wanted, called) == [by_id.said]
    with pytest.raises(TopicsError, match="nothing was said of"):
        forget(warehouse, wanted, called)


def test_what_can_t_be_taught_is_said(warehouse: Warehouse) -> None:
    fill(warehouse, YES)
    with pytest.raises(TopicsError, match="no stored article is called"):
        say(warehouse, "nowhere", belongs=True)
    with pytest.raises(TopicsError, match="no topic Cars: the topics file has Gardens"):
        say(warehouse, "roses", belongs=True, topic="Cars")
    assert count(warehouse, verdicts.TABLE) == 0


def test_verdicts_of_other_topics_wait_for_them(warehouse: Warehouse) -> None:
    fill(warehouse)
    teach_all(warehouse)
    both = topics(GARDENS + HOMES)
    judge(warehouse, both)
    # A verdict on one of two topics is one on that topic; one on another file's pair is none.
    pair = teach(
        warehouse, both, sentence_model(), "roses", belongs=True, topic=None, by="", now=NOON
    )
    assert pair.said.names == {"Gardens", "Homes"}
    assert pair.learnt
    assert (pair.learnt.yes, pair.learnt.no) == (1, 0)
    assert not judge(warehouse, topics(GARDENS.replace("Gardens", "Parks"))).off_topic


def killed_after(database: Database, written: bool) -> None:
    warehouse = database.open()
    save = verdicts.save

    def die(*given: object) -> None:
        if written:
            save(*given)  # type: ignore[arg-type]
        os.kill(os.getpid(), signal.SIGKILL)

    verdicts.save = die  # type: ignore[assignment]
    say(warehouse, "roses", belongs=True)


@pytest.mark.parametrize("written", [False, True])
def test_killed_in_the_middle_nothing_is_half_kept(database: Database, written: bool) -> None:
    fill(database.open(), YES)
    with another_process(killed_after, database, written) as child:
        child.join(60)
        assert child.exitcode == -signal.SIGKILL
    warehouse = database.open()
    assert count(warehouse, verdicts.TABLE) == 0
    say(warehouse, "roses", belongs=True)
    assert count(warehouse, verdicts.TABLE) == 1


EXAMPLES = """
    examples:
      belong:
        - Visitors milk the cows on a dairy farm
        - https://adledger.example/hens
        - https://adledger.example/nowhere
      do_not_belong:
        - Central bank leaves its rates where they are
        - Champions are out of the cup after a late goal
"""


def test_examples_are_titles_and_stored_articles(
    warehouse: Warehouse, caplog: pytest.LogCaptureFixture
) -> None:
    fill(warehouse)
    judge(warehouse)
    before = scores(warehouse)
    given = topics(GARDENS + EXAMPLES)
    assert attempt(warehouse, given, sentence_model()).missing == [
        "https://adledger.example/nowhere"
    ]
    judge(warehouse, given, full=True)
    after = scores(warehouse)
    assert "nowhere: no stored article is at this address" in caplog.text
    assert sum(after.values()) > sum(before.values()) + 0.3
    # Once the article is there, the rules are other ones.
    assert not judge(warehouse, given).rules_changed
    fill(warehouse, {"nowhere": YES["farm"]})
    assert judge(warehouse, given).rules_changed


def test_many_topics_with_long_names_are_a_key_as_well(warehouse: Warehouse) -> None:
    named = "".join(f"  - {{name: '{n} {'x' * 190}', keywords: [garden {n}]}}\n" for n in range(30))
    many = topics(f"topics:\n{named}")
    fill(warehouse, YES)
    said = teach(
        warehouse, many, sentence_model(), "roses", belongs=True, topic=None, by="", now=NOON
    ).said
    assert len(said.names) == 30
    assert forget(warehouse, said.names, "roses") == [said]
