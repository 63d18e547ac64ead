"""The rebuild on Spark: what moves where, and in which order.

Spark reads, joins and writes; `steps` judges. Each step's rows are written to the working folder
before the next begins, so that a worker that is lost costs its tasks, and a job that was killed
goes on where it was.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

from newsapi_dentsu.domain import stories
from newsapi_dentsu.domain.relevance import Yardstick
from newsapi_dentsu.domain.wrapping import Known
from newsapi_dentsu.progress import Progress
from newsapi_dentsu.rebuild import rows, steps
from newsapi_dentsu.rebuild.rows import Kind, sql_type
from newsapi_dentsu.warehouse.tables import assessments, final, processed, raw
from newsapi_dentsu.warehouse.tables.assessments import Assessed
from newsapi_dentsu.warehouse.tables.final import FinalArticle, RejectedArticle
from newsapi_dentsu.warehouse.tables.processed import Article, RecordOutcome
from newsapi_dentsu.warehouse.tables.returns import Return
from newsapi_dentsu.warehouse.tables.rows import columns_of

if TYPE_CHECKING:
    from types import ModuleType

    import pyarrow as pa
    from pyspark.sql import DataFrame, SparkSession

STRONG: Final = 3
"""Shared bands from which on texts are hardly ever strangers: such pairs aren't tested."""

MODEL: Final = "sentence-model"
"""What the workers call the model that comes with the job."""

_OWN_TEXT: Final = f"struct({processed.OWN_TEXT} AS text, title, source_uri)"
_RANK: Final = "struct(rejection IS NOT NULL AS rejected, publishedAt, article_id)"


Pages: TypeAlias = Callable[[Sequence[str]], tuple[list[Article], list[RecordOutcome]]]
"""Gives the articles of pages, by the pages' ids, and what became of the pages' records."""


@dataclass(frozen=True, slots=True)
class Input:
    """What is rebuilt: files of raw records, and of the returns of some, if there are any.

    `measure` gives what articles are judged by, of the articles and outcomes of some pages, which
    it asks for by their ids; `recurring` are the lines that recur, by source.
    """

    records: Sequence[str]
    returns: str | None
    measure: Callable[[Pages], Yardstick]
    recurring: Mapping[str, Known]
    horizon_days: int


class SparkRebuild:
    """One rebuild in one working folder.

    Args:
        spark: the session.
        given: what is rebuilt.
        work: a folder that the driver and every worker see under this name.
        partitions: tasks of each step.
    """

    def __init__(self, spark: "SparkSession", given: Input, work: Path, partitions: int) -> None:
        self._spark = spark
        self._given = given
        self._work = work
        self._partitions = partitions

    def run(self, progress: Progress) -> dict[str, Path]:
        """Make the tables; returns the folder of each one's Parquet files, by its name."""
        names = [
            *("pages", "articles", "outcomes", "passages", "vectors", "looks", "pairs", "tested"),
            *("places", "final"),
        ]
        done = iter(range(1, len(names) + 1))
        total = len(names)

        def step(name: str, frame: Callable[[], "DataFrame"]) -> "DataFrame":
            made = self._kept(name, frame)
            progress(next(done), total)
            return made

        pages = step("pages", self._pages)
        articles = step("articles", lambda: pages.where("article IS NOT NULL").select("article.*"))
        step("outcomes", lambda: pages.select("outcome.*"))
        passages = step("passages", lambda: self._passages(articles))
        vectors = step("vectors", lambda: self._vectors(passages))
        looks = step("looks", lambda: self._looks(pages, articles, passages, vectors))
        pairs = step("pairs", lambda: self._pairs(looks))
        texts = articles.selectExpr("article_id", f"{_OWN_TEXT} AS compared")
        tested = step("tested", lambda: self._tested(pairs, texts))
        places = step("places", lambda: self._placed(looks, tested, texts))
        finals = step("final", lambda: self._finals(places, articles))
        self._kept("filtered", lambda: finals.where("final IS NOT NULL").select("final.*"))
        self._kept("rejected", lambda: finals.where("rejected IS NOT NULL").select("rejected.*"))
        self._kept("assessments", lambda: places.drop("neighbourhood"))
        return {
            processed.TABLE: self._folder("articles"),
            processed.OUTCOMES: self._folder("outcomes"),
            assessments.TABLE: self._folder("assessments"),
            final.TABLE: self._folder("filtered"),
            final.REJECTED: self._folder("rejected"),
        }

    def _pages(self) -> "DataFrame":
        """What becomes of each record, and the articles of each page."""
        records = self._spark.read.parquet(*map(literally, self._given.records))
        columns = (
            f"{expression} AS `{name}`"
            for expression, name in zip(raw.ROW_COLUMNS, columns_of(raw.RawRow), strict=True)
        )
        found = records.selectExpr(*columns)
        if self._given.returns:
            came_back = self._spark.read.parquet(literally(self._given.returns)).selectExpr(
                "raw_seq AS seq", f"struct({', '.join(columns_of(Return))}) AS returned"
            )
            found = found.join(came_back, "seq", "left")
        else:
            found = found.selectExpr("*", f"CAST(NULL AS {sql_type(Return)}) AS returned")
        drafts = self._mapped(
            found.repartition(self._partitions),
            partial(steps.drafts, recurring=self._given.recurring),
            {
                "page_key": "text",
                "page": "text",
                "outcome": RecordOutcome,
                "article": Article,
                "returned": Return,
            },
        )
        return self._mapped(
            together(drafts, self._partitions, "page_key"),
            steps.articles,
            {"outcome": RecordOutcome, "article": Article},
        )

    def _passages(self, articles: "DataFrame") -> "DataFrame":
        return self._mapped(
            articles,
            steps.passages_of,
            {
                "article_id": "text",
                "place": "integer",
                "passage_hash": "text",
                "passage": "text",
            },
        )

    def _vectors(self, passages: "DataFrame") -> "DataFrame":
        """A vector of each distinct passage."""
        distinct = passages.groupBy("passage_hash").agg(
            _f().min("article_id").alias("article_id"), _f().first("passage").alias("passage")
        )
        return self._mapped(
            distinct.repartition(self._partitions, "passage_hash"),
            partial(steps.vectors, model=partial(steps.shipped_model, MODEL)),
            {"passage_hash": "text", "vector": "bytes"},
        )

    def _looks(
        self,
        pages: "DataFrame",
        articles: "DataFrame",
        passages: "DataFrame",
        vectors: "DataFrame",
    ) -> "DataFrame":
        """The verdict on each article by itself, and its bands."""
        measure = self._given.measure(partial(_of_pages, pages))
        known = (
            passages.select("article_id", "place", "passage_hash")
            .join(vectors, "passage_hash")
            .groupBy("article_id")
            .agg(
                _f().expr("max(CASE WHEN place = 0 THEN vector END)").alias("first"),
                _f().expr("max(CASE WHEN place = 1 THEN vector END)").alias("last"),
            )
        )
        return self._mapped(
            articles.join(known, "article_id", "left").repartition(self._partitions, "article_id"),
            partial(steps.looks, measure=measure),
            {**columns_of(Assessed), "day": "date", "bands": ["integer"]},
        )

    def _pairs(self, looks: "DataFrame") -> "DataFrame":
        """Each article with the earlier candidates that it is compared with.

        `shared` tells in how many bands they are near each other.
        """
        banded = looks.selectExpr(
            "struct(rejection IS NOT NULL AS rejected, publishedAt, article_id, day) AS one",
            "explode(bands) AS band",
        ).repartition(self._partitions, "band")
        before = (
            "ORDER BY one.publishedAt, one.article_id "
            f"ROWS BETWEEN {stories.NEAREST} PRECEDING AND 1 PRECEDING"
        )
        # Two windows, each of bare articles: with what one has found, the rows of a band that
        # all articles of a template share would be more than an executor holds for the other.
        alike = banded.selectExpr(
            "one", f"collect_list(one) OVER (PARTITION BY band, one.rejected {before}) AS others"
        ).selectExpr("one", "explode(others) AS other")
        unlike = banded.selectExpr(
            "one", f"collect_list(one) OVER (PARTITION BY band {before}) AS others"
        ).selectExpr("one", "explode(filter(others, x -> x.rejected <> one.rejected)) AS other")
        near = alike.unionByName(unlike).where(
            f"datediff(one.day, other.day) <= {self._given.horizon_days}"
        )
        # They are in the order of their ranks: what may be read comes before what is rejected.
        counted = (
            near.selectExpr("least(one, other) AS earlier", "greatest(one, other) AS later")
            .selectExpr("earlier", "later.article_id AS later")
            .groupBy("earlier", "later")
            .agg(_f().count("*").cast("int").alias("shared"))
        )
        place = "row_number() OVER (PARTITION BY later ORDER BY shared DESC, earlier) AS place"
        return (
            counted.selectExpr("*", place)
            .where(f"place <= {stories.MOST_COMPARED}")
            .selectExpr("earlier.article_id AS earlier", "later", "shared")
        )

    def _tested(self, pairs: "DataFrame", texts: "DataFrame") -> "DataFrame":
        """The pairs, each with whether its texts are strangers, which can't matter to each other.

        Pairs that are near in many bands aren't tested.
        """
        taken = pairs.where(f"shared >= {STRONG}").selectExpr("*", "false AS strangers")
        return taken.unionByName(self._strangers(pairs.where(f"shared < {STRONG}"), texts))

    def _strangers(self, pairs: "DataFrame", texts: "DataFrame") -> "DataFrame":
        earlier = texts.selectExpr("article_id AS earlier", "compared AS earlier_text")
        later = texts.selectExpr("article_id AS later", "compared AS later_text")
        both = pairs.join(earlier, "earlier").join(later, "later")
        return self._mapped(
            together(both, self._partitions, "later"),
            steps.tested,
            {"earlier": "text", "later": "text", "shared": "integer", "strangers": "boolean"},
        )

    def _placed(self, looks: "DataFrame", tested: "DataFrame", texts: "DataFrame") -> "DataFrame":
        """Each article in its place among those of its neighbourhood.

        Strangers are in no common neighbourhood, unless the one that comes later is like a text to
        which the other leads: what it is a copy of, or what is shown in its place. That, only the
        placing tells. Where it tells so, the neighbourhoods are joined and placed again.
        """
        edges = ("earlier", "later", "shared")
        kept = tested.where("NOT strangers").select(*edges)
        apart = tested.where("strangers").select(*edges)
        places: DataFrame | None = None
        again: DataFrame | None = None
        for number in count():
            homes = self._neighbourhoods(kept, number)
            waiting = looks.drop("day", "bands").join(homes, "article_id", "left")
            waiting = waiting.withColumn(
                "neighbourhood", _f().expr("coalesce(neighbourhood, article_id)")
            )
            if again is not None:
                touched = again.selectExpr("later AS article_id").join(homes, "article_id")
                waiting = waiting.join(
                    touched.select("neighbourhood").distinct(), "neighbourhood", "left_semi"
                )
            fresh = self._kept(f"placed-{number}", partial(self._regrouped, waiting, kept, texts))
            places = (
                fresh
                if places is None
                else fresh.unionByName(places.join(fresh, "article_id", "left_anti"))
            )
            again = self._kept(
                f"missed-{number}", partial(self._missed, apart, places, texts, number)
            )
            if again.isEmpty():
                return places
            kept = kept.unionByName(again)
            apart = apart.join(again, ["earlier", "later"], "left_anti")
        raise AssertionError

    def _regrouped(
        self, waiting: "DataFrame", kept: "DataFrame", texts: "DataFrame"
    ) -> "DataFrame":
        both = kept.selectExpr(
            "earlier AS article_id", "struct(later AS article_id, shared) AS one"
        ).unionByName(
            kept.selectExpr("later AS article_id", "struct(earlier AS article_id, shared) AS one")
        )
        candidates = both.groupBy("article_id").agg(_f().collect_list("one").alias("candidates"))
        found = waiting.join(candidates, "article_id", "left").join(texts, "article_id")
        return self._mapped(
            together(found, self._partitions, "neighbourhood", "article_id"),
            partial(steps.places, horizon_days=self._given.horizon_days),
            {**columns_of(Assessed), "neighbourhood": "text"},
        )

    def _missed(
        self, apart: "DataFrame", places: "DataFrame", texts: "DataFrame", number: int
    ) -> "DataFrame":
        """The pairs of strangers of which the later is like a text to which the earlier leads."""
        ranks = places.selectExpr("article_id AS later", f"{_RANK} AS later_rank")
        copies = places.where("role = 'copy'").selectExpr(
            "article_id AS earlier", "reference_id AS original"
        )
        shown = places.where("role = 'fuller'").selectExpr(
            "reference_id AS below", "article_id AS above", f"{_RANK} AS above_rank"
        )
        pairs = apart.join(copies, "earlier", "left").join(ranks, "later")
        found = pairs.where("original IS NOT NULL").selectExpr(
            "earlier", "later", "shared", "original AS met"
        )
        reached = pairs.selectExpr("*", "coalesce(original, earlier) AS met")
        for turn in count():
            above = reached.drop("original").join(shown, _f().expr("met = below"))
            higher = partial(
                above.where("above_rank < later_rank").selectExpr,
                *("earlier", "later", "shared", "later_rank", "above AS met"),
            )
            # One after another may be shown in one place: no join stands on all those before it.
            reached = self._kept(f"reached-{number}-{turn}", higher)
            if reached.isEmpty():
                break
            found = found.unionByName(reached.drop("later_rank"))
        asked = found.selectExpr("met AS earlier", "later", "shared").distinct()
        like = self._strangers(asked, texts).where("NOT strangers")
        return (
            found.join(like.selectExpr("earlier AS met", "later"), ["met", "later"], "left_semi")
            .select("earlier", "later", "shared")
            .distinct()
        )

    def _neighbourhoods(self, edges: "DataFrame", number: int) -> "DataFrame":
        """Connected articles, each with the least id of its neighbourhood.

        By alternating large-star and small-star (Kiveris et al., Connected Components in MapReduce
        and Beyond, 2014), in a number of rounds that grows with the logarithm of the longest path.
        """
        stars = edges.selectExpr("later AS one", "earlier AS other")
        before = None
        for turn in count():
            stars = self._kept(f"stars-{number}-{turn}", partial(_small_star, _large_star(stars)))
            found = stars.selectExpr("count(*)", "sum(cast(xxhash64(one, other) AS decimal(38)))")
            now = tuple(found.first() or ())
            if now == before:
                break
            before = now
        hubs = stars.selectExpr("other AS article_id", "other AS neighbourhood").distinct()
        return stars.selectExpr("one AS article_id", "other AS neighbourhood").unionByName(hubs)

    def _finals(self, places: "DataFrame", articles: "DataFrame") -> "DataFrame":
        """The rows of final, and of what stays out."""
        names = ", ".join(f"`{name}`" for name in columns_of(Article))
        whole = articles.selectExpr("article_id", f"struct({names}) AS article")
        return self._mapped(
            together(
                places.join(whole, "article_id"), self._partitions, "neighbourhood", "article_id"
            ),
            steps.finals,
            {"final": FinalArticle, "rejected": RejectedArticle},
        )

    def _mapped(
        self, frame: "DataFrame", step: steps.Step, made: Mapping[str, Kind]
    ) -> "DataFrame":
        whole = partial(_in_batches, step=step, schema=rows.arrow_schema(made))
        return frame.mapInArrow(whole, rows.declared(made))

    def _folder(self, name: str) -> Path:
        return self._work / name

    def _kept(self, name: str, frame: "Callable[[], DataFrame]") -> "DataFrame":
        """A step's rows in the working folder, made unless they are there whole."""
        folder = self._folder(name)
        if not (folder / "_SUCCESS").exists():
            frame().write.mode("overwrite").parquet(str(folder))
        return self._spark.read.parquet(literally(folder))


def literally(path: str | Path) -> str:
    """A path as Spark reads it, which takes some characters for patterns of names."""
    return re.sub(r"([\\\[\]{}*?])", r"\\\1", str(path))


def together(frame: "DataFrame", partitions: int, *columns: str) -> "DataFrame":
    """Have rows with one value of the first column in one task, in the order of all columns.

    They are spread by a hash of the column. By the column itself, Spark leaves the spreading out
    after a join by that column, and parts the rows again where the join turns out to have a small
    side: what reads them in Python asks for nothing that would keep it from that.
    """
    spread = frame.repartition(partitions, _f().xxhash64(columns[0]))
    return spread.sortWithinPartitions(*columns)


def _of_pages(
    pages: "DataFrame", page_ids: Sequence[str]
) -> tuple[list[Article], list[RecordOutcome]]:
    if not page_ids:
        return [], []
    found = pages.where(_f().col("outcome.page_id").isin(list(page_ids))).toArrow().to_pylist()
    return (
        [rows.of_values(Article, row["article"]) for row in found if row["article"]],
        [rows.of_values(RecordOutcome, row["outcome"]) for row in found],
    )


def _in_batches(
    batches: "Iterator[pa.RecordBatch]", step: steps.Step, schema: "pa.Schema"
) -> "Iterator[pa.RecordBatch]":
    return rows.write(step(rows.read(batches)), schema)


def _large_star(edges: "DataFrame") -> "DataFrame":
    """Have every node's larger neighbours point to the least of it and its neighbours."""
    both = edges.unionByName(edges.selectExpr("other AS one", "one AS other"))
    least = both.groupBy("one").agg(_f().expr("least(one, min(other))").alias("least"))
    return both.join(least, "one").where("other > one").selectExpr("other AS one", "least AS other")


def _small_star(edges: "DataFrame") -> "DataFrame":
    """Have every node and its smaller neighbours point to the least of these."""
    down = edges.selectExpr("greatest(one, other) AS one", "least(one, other) AS other")
    least = down.groupBy("one").agg(_f().min("other").alias("least"))
    smaller = down.join(least, "one").where("other > least").selectExpr("other AS one", "least")
    return (
        smaller.unionByName(least)
        .selectExpr("one", "least AS other")
        .where("one <> other")
        .distinct()
    )


def _f() -> "ModuleType":
    return import_module("pyspark.sql.functions")
