"""Giving back the memory that models take, where the same process goes on with other work."""

import ctypes

from newsapi_dentsu.meaning.embedder import sentence_model
from newsapi_dentsu.meaning.tone import tone_model


def unload_models() -> None:
    """Forget the models of this process; the next text loads its own again.

    The C library would keep the memory that it gets back, and DuckDB, which has an allocator of its
    own, take as much again.
    """
    sentence_model.cache_clear()
    tone_model.cache_clear()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
