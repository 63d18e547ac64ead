"""What articles are judged by: the topics' yardstick, and what the articles' texts mean."""

from collections.abc import Mapping

from newsapi_dentsu.domain.passages import passage_hash, passages
from newsapi_dentsu.domain.relevance import Meaning, Yardstick, texts, yardstick
from newsapi_dentsu.domain.topics import Topics
from newsapi_dentsu.meaning import Embedder
from newsapi_dentsu.warehouse.engines.base import Session
from newsapi_dentsu.warehouse.tables import embeddings


def measure_for(topics: Topics, embedder: Embedder | None) -> Yardstick:
    """The yardstick of these topics, in the vectors of this embedder; without one, of words."""
    if embedder is None:
        return Yardstick(topics)
    return yardstick(topics, embedder.model, embedder.embed(texts(topics)))


def meanings_of(
    session: Session, model: str, articles: Mapping[str, tuple[str, str]]
) -> Mapping[str, Meaning]:
    """What a model made of articles' texts, of those whose vectors are stored.

    Args:
        session: a transaction or snapshot.
        model: the model's name and version; empty where there is none.
        articles: title and own text by article.
    """
    if not model:
        return {}
    parts = {
        key: [passage_hash(passage) for passage in passages(title, own_text)]
        for key, (title, own_text) in articles.items()
    }
    found = embeddings.vectors(
        session, model, {text_hash for hashes in parts.values() for text_hash in hashes}
    )
    return {
        # Of a title that the model can't read, what follows tells.
        key: Meaning(found[hashes[0]], found.get(hashes[-1], found[hashes[0]]))
        for key, hashes in parts.items()
        if hashes and hashes[0] in found
    }
