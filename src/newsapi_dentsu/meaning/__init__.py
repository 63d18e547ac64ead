"""What texts mean: a sentence model on this machine, which makes a vector of each.

The libraries that execute it are imported when the first text is embedded, not before.
"""

from newsapi_dentsu.meaning.embedder import (
    SHIPPED,
    Embedder,
    SentenceModel,
    open_embedder,
    sentence_model,
)

__all__ = ["SHIPPED", "Embedder", "SentenceModel", "open_embedder", "sentence_model"]
