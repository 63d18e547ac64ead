"""Near-duplicates: what the pipeline says of a pair, and what plainer methods say.

All methods see the same: titles and bodies as the warehouse holds them, after cleaning. A pair
counts as found when the method would show one of its texts only, so a rewrite is as wrong as a copy
as anything else.
"""

import hashlib
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import numpy as np

from evaluation.duplicates.base_texts import Publication
from evaluation.duplicates.pairs import Pair
from evaluation.judgements import PIPELINE, Item, Verdict
from newsapi_dentsu.domain.comparison import compare
from newsapi_dentsu.domain.similarity import Text, bands, prepare
from newsapi_dentsu.domain.stories import HELD
from newsapi_dentsu.domain.text import clean_text, clean_title, text_hash
from newsapi_dentsu.domain.wrapping import own_span

if TYPE_CHECKING:
    from datasketch import MinHash

Method = Callable[[Publication, Publication], Verdict]

_CACHED: Final = 20_000
_PERMUTATIONS: Final = 128
_MINHASH_THRESHOLD: Final = 0.7
_SIMHASH_BITS: Final = 64
_SIMHASH_DISTANCE: Final = 3


def item(pair: Pair) -> Item:
    """Return a pair as an item of which a method says whether it is a copy."""
    return Item(
        pair.id, pair.part, pair.kind, pair.language, pair.words, pair.truth, pair.truth == "copy"
    )


def by_the_pipeline(earlier: Publication, later: Publication) -> Verdict:
    """Judge as the pipeline does: candidates by their bands, then a comparison of the texts."""
    one, other = (_prepared(article.body, article.title) for article in (earlier, later))
    found = compare(one, other)
    met = bool(_bands(earlier.body) & _bands(later.body))
    missed = "" if met else ", no candidates"
    if found is None:
        return Verdict(False, detail=f"unrelated{missed}")
    detail = f"{found.degree}, similarity {found.similarity:.2f}, contained {found.containment:.2f}"
    return Verdict(
        said=met and found.degree in HELD,
        rule=found.rule,
        figure=max(found.similarity, found.containment) if met else 0.0,
        detail=detail + missed,
    )


def by_url(earlier: Publication, later: Publication) -> Verdict:
    """Call the same url a copy."""
    return Verdict(earlier.url == later.url)


def by_exact_text(earlier: Publication, later: Publication) -> Verdict:
    """Call the same body a copy."""
    one, other = (text_hash("", clean_text(article.body)) for article in (earlier, later))
    return Verdict(one == other)


def by_minhash(earlier: Publication, later: Publication) -> Verdict:
    """Call an estimated Jaccard similarity of word 3-grams of 0.7 and more a copy."""
    estimate = _minhash(earlier.body).jaccard(_minhash(later.body))
    return Verdict(estimate >= _MINHASH_THRESHOLD, figure=estimate)


def by_simhash(earlier: Publication, later: Publication) -> Verdict:
    """Call 64-bit fingerprints that differ in at most 3 bits a copy."""
    distance = (_simhash(earlier.body) ^ _simhash(later.body)).bit_count()
    return Verdict(distance <= _SIMHASH_DISTANCE, figure=1 - distance / _SIMHASH_BITS)


METHODS: Final[Mapping[str, Method]] = {
    PIPELINE: by_the_pipeline,
    "exact url": by_url,
    "exact text": by_exact_text,
    "MinHash 0.7": by_minhash,
    "SimHash 64/3": by_simhash,
}


@lru_cache(_CACHED)
def _prepared(body: str, title: str = "") -> Text:
    cleaned = clean_text(body)
    return prepare(own_span(cleaned).of(cleaned), clean_title(title))


@lru_cache(_CACHED)
def _bands(body: str) -> frozenset[int]:
    return bands(_prepared(body))


@lru_cache(_CACHED)
def _minhash(body: str) -> "MinHash":
    from datasketch import MinHash  # Half a second, for whoever only reads the other methods.

    sketch = MinHash(num_perm=_PERMUTATIONS)
    words = clean_text(body).lower().split()
    grams = {" ".join(gram) for gram in zip(words, words[1:], words[2:], strict=False)}
    sketch.update_batch([gram.encode() for gram in grams])
    return sketch


@lru_cache(_CACHED)
def _simhash(body: str) -> int:
    """Each bit is that of most words' hashes, as Charikar described it."""
    hashes = b"".join(
        hashlib.blake2b(word.encode(), digest_size=_SIMHASH_BITS // 8).digest()
        for word in clean_text(body).lower().split()
    )
    bits = np.unpackbits(np.frombuffer(hashes, np.uint8)).reshape(-1, _SIMHASH_BITS)
    majority = bits.sum(axis=0) * 2 > len(bits)
    return int.from_bytes(np.packbits(majority).tobytes())
