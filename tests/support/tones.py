"""Tones of articles as the stage of sentiment stores them, told by a test."""

from collections.abc import Mapping

from newsapi_dentsu.warehouse import Warehouse
from newsapi_dentsu.warehouse.tables import final, tone

_PROBABILITIES = {
    "negative": (0.8, 0.1, 0.1),
    "neutral": (0.1, 0.8, 0.1),
    "positive": (0.1, 0.1, 0.8),
    "uncertain": (0.4, 0.3, 0.3),
}


def tell(
    warehouse: Warehouse,
    title: str,
    own: str = "neutral",
    *,
    model: str = "m@1",
    kind: str = "brand",
    of: Mapping[str, str] | None = None,
) -> str:
    """Store how the article of a title speaks, and of whom; the sentence behind it names them."""
    about = of or {}
    with warehouse.transaction() as session:
        ((article_id, seq),) = session.rows(
            f"SELECT article_id, change_seq FROM {final.TABLE} WHERE title = $1", title
        )
        bad, plain, good = _PROBABILITIES.get(own, (None, None, None))
        told, mentions = [], []
        for name, label in about.items():
            tones = _PROBABILITIES[label]
            told.append(tone.TargetRow(article_id, name, kind, 1, *tones, label, model))
            mentions.append(
                tone.MentionRow(
                    *(article_id, name, 2, kind, f"They speak of {name}.", 14, 14 + len(name)),
                    *tones,
                    *(label, model),
                )
            )
        article = tone.ArticleRow(article_id, own, bad, plain, good, model, "b", "h", seq)
        tone.save(session, [article], told, mentions)
    return str(article_id)


def read_nothing(warehouse: Warehouse) -> None:
    """What the stage does around its reading: it forgets what it is to, and notes how far it is."""
    with warehouse.transaction() as session:
        span = tone.forget_departed(session)
        tone.settle(session, span, tone.Reading("m@1", "b"))
