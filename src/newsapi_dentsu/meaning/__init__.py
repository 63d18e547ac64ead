"""What texts mean, by models on this machine: a vector of each, and how it speaks about whom.

The libraries that execute it are imported when the first text is read, not before.
"""

from newsapi_dentsu.meaning.embedder import (
    SHIPPED,
    Embedder,
    SentenceModel,
    open_embedder,
    sentence_model,
)
from newsapi_dentsu.meaning.memory import unload_models
from newsapi_dentsu.meaning.readers import open_tone_reader
from newsapi_dentsu.meaning.tone import (
    Passage,
    ToneModel,
    ToneReader,
    tone_model,
)

__all__ = [
    "SHIPPED",
    "Embedder",
    "Passage",
    "SentenceModel",
    "ToneModel",
    "ToneReader",
    "open_embedder",
    "open_tone_reader",
    "sentence_model",
    "tone_model",
    "unload_models",
]
