"""Train the model of tone that the package ships: `make sentiment-model`.

all-MiniLM-L6-v2, whose weights come from a pinned package, learns from sentences with one target
marked how they speak about it.

First it learns from news (NewsMTSC) and some sentences about brands. That goes on to learn from
all sentences about brands that are meant for fitting, with some of the news. Of each part,
trainings that differ by their seed end in one model with the mean of their weights. A third part
tells most of what is said of several brands at once; what is kept lies between the second and the
third, where the sets that choose like it best.

With sentences that nobody has labelled there is a last part (https://arxiv.org/abs/1503.02531): a
network that is too slow to ship learns the same, says how likely each label is for them, and the
small one learns that. What lies between before and after is judged likewise.

The texts of NewsMTSC, and others that are no part of the project, are read from folders and stay
there.
"""

import argparse
import json
import re
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import onnx
import optax
from evaluation.tone.sentences import (
    CALIBRATING,
    COMPARISONS,
    FILE,
    FIT_ONLY,
    NAMES,
    PATTERNS,
    SETTLING,
    Marked,
    brand_sentences,
    filled,
    lines_of,
    open_brands,
)
from numpy.typing import NDArray
from onnx import TensorProto
from onnxruntime import InferenceSession
from tokenizers import Tokenizer
from typing_extensions import override

from newsapi_dentsu.domain.windows import window
from tools.export_model import Graph, write_model
from tools.tone_network import (
    MINILM,
    MPNET,
    WORDS,
    Encoder,
    Tree,
    first_parameters,
    logits,
    tokenizer_of,
)

LABELS = ("negative", "neutral", "positive")
TOKENS = 128
"""How many of a sentence are read, the target's among them."""

_BATCH = 32
_LENGTHS = (16, 24, 32, 48, 72, TOKENS)
"""To how many tokens the texts of a batch are filled up."""

_RATED = {"nytEditorialSnippets": 2, "amazonReviewSnippets": 1, "movieReviewSnippets": 1}
"""How often each kind of sentence that people rated is told; tweets are too far from news."""

_STEPS_OF_RATED = 400
"""So many batches of them are told: half of them, for more would take most of the time."""

_WARM_UP = 0.1
_RENAMED = 0.2
"""The share of examples whose target is called otherwise, anew in each epoch: what is said counts,
not of whom."""

_NEWS_BESIDE_BRANDS, _EPOCHS_OF_BRANDS, _RATE_OF_BRANDS = 3_000, 2, 0.5
"""How the second part of the training goes: with some of the news, at half the rate."""

_ROLES_TOLD, _EPOCHS_OF_ROLES, _RATE_OF_ROLES = 3, 3, 0.7
"""How the third part goes: how often it tells patterns that have two brands or more, and so on."""

_BESIDE_ROLES, _SHORT = 600, 130
"""Beside these so many of the other patterns and of the news, of which sentences of so many
characters."""

_SHARES = (0.0, 0.3, 0.5, 1.0)
"""How much of what is kept may be of the third part; the sets that choose decide."""

_EPOCHS_OF_TEACHER, _TEMPERATURE_OF_TEACHER = 1, 0.85
"""How long the larger network learns, and how much surer it should be, by the sets that choose."""

_LABELLED_BY_TEACHER, _TAUGHT = 12_000, 10_000
"""How many sentences the teacher labels, and how many of them are told, balanced by its labels."""

_EPOCHS_OF_TAUGHT, _RATE_OF_TAUGHT = 3, 1.0
"""How the small one learns from it."""

_OWN_LABEL = 0.3
"""How much the label of the news counts then, beside what the teacher says of them."""

_SHARES_OF_TAUGHT = (0.0, 0.5, 0.7, 1.0)
"""How much of what is kept may be of what the teacher taught."""

_KEPT_EVERY = 50
"""Steps after which a training is kept."""

FOLDER = Path(__file__).parents[1] / "src/newsapi_dentsu/meaning/tone_minilm"
NAME = "tone-minilm"

jax.config.update("jax_default_prng_impl", "unsafe_rbg")

_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Encoded:
    """An example as the model takes it: tokens, which of them are the target's, and the labels.

    `shares` tells how right each label is: people who rate a sentence needn't agree.
    """

    ids: NDArray[np.int32]
    kinds: NDArray[np.int32]
    shares: tuple[float, ...]

    @property
    def label(self) -> int:
        """The label that is most right."""
        return self.shares.index(max(self.shares))


class Rated(NamedTuple):
    """A sentence, and which share of those who rated it found it negative, neutral, positive."""

    sentence: str
    shares: tuple[float, ...]


def read_examples(path: Path) -> list[Marked]:
    """The examples of a file of NewsMTSC (JSON lines)."""
    with path.open(encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    return [Marked(row["sentence"], row["from"], row["to"], row["polarity"] + 1) for row in rows]


def read_brands(*files: Path, part: str = "fit") -> list[Marked]:
    """The project's own sentences about brands of one part."""
    return [
        Marked(one.sentence, one.start, one.end, one.label)
        for file in files
        for one in brand_sentences(file)
        if one.part == part
    ]


def read_mentions(path: Path) -> list[Marked]:
    """The sentences that `tools.record_mentions` has taken, which have no labels: 1 for all."""
    with path.open(encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    return [Marked(row["sentence"], row["start"], row["end"], 1) for row in rows]


def drawn(patterns: Sequence[str], random: np.random.Generator) -> Iterator[Marked]:
    """The patterns as sentences about brands that are drawn anew each time."""
    names = lines_of(NAMES)
    for pattern in patterns:
        letters = open_brands(pattern)
        chosen = random.choice(len(names), len(letters), replace=False)
        yield from filled(pattern, {one: names[n] for one, n in zip(letters, chosen, strict=True)})


def read_ratings(folder: Path) -> list[Rated]:
    """What people said of single sentences of editorials and reviews, editorials twice.

    Args:
        folder: the data of the paper on VADER, a pair of files for each kind of text.
    """
    found = []
    for kind, times in _RATED.items():
        by_number = {}
        for line in (folder / f"{kind}_anonDataRatings.txt").read_text("utf-8-sig").splitlines():
            number, *_, ratings = line.split("\t")
            by_number[number] = [int(one) for one in ratings.strip(" []").split(",")]
        for line in (folder / f"{kind}_GroundTruth.txt").read_text("utf-8-sig").splitlines():
            number, _, sentence = line.split("\t", 2)
            said = by_number[number]
            below, above = sum(one < 0 for one in said), sum(one > 0 for one in said)
            parts = (below, len(said) - below - above, above)
            shares = tuple(part / len(said) for part in parts)
            found += [Rated(sentence.strip(), shares)] * times
    return found


def encode_rated(
    tokenizer: Tokenizer, rated: Sequence[Rated], random: np.random.Generator
) -> list[Encoded]:
    """The sentences as they are learnt from: all of one is its target, or any single word."""
    found = []
    for one in rated:
        words = [match.span() for match in _WORD.finditer(one.sentence)]
        start, end = 0, len(one.sentence)
        if words and random.random() < 0.5:
            start, end = words[int(random.integers(len(words)))]
        encoded = encode(tokenizer, Marked(one.sentence, start, end, 0))
        found.append(replace(encoded, shares=one.shares))
    return found


def encode(tokenizer: Tokenizer, example: Marked) -> Encoded:
    """The tokens of an example; a sentence that is too long loses what is far from the target."""
    encoding = tokenizer.encode(example.sentence)
    ids = np.array(encoding.ids, np.int32)
    kinds = np.array(
        [
            int(end > start and start < example.end and end > example.start)
            for start, end in encoding.offsets
        ],
        np.int32,
    )
    read = window(kinds.tolist(), TOKENS)
    return Encoded(
        ids[read], kinds[read], tuple(float(one == example.label) for one in range(len(LABELS)))
    )


def batches(
    examples: Sequence[Encoded],
    encoder: Encoder,
    random: np.random.Generator | None = None,
) -> Iterator[tuple[NDArray[np.int64], dict[str, NDArray[Any]]]]:
    """Batches of texts of about one length, in random order where one is given."""
    order = np.arange(len(examples)) if random is None else random.permutation(len(examples))
    chunk = _BATCH * 40
    groups: list[NDArray[np.int64]] = []
    for at in range(0, len(order), chunk):
        part = sorted(order[at : at + chunk], key=lambda one: len(examples[one].ids))
        groups += [np.array(part[n : n + _BATCH]) for n in range(0, len(part), _BATCH)]
    if random is not None:
        random.shuffle(groups)
    for group in groups:
        longest = max(len(examples[one].ids) for one in group)
        length = next(one for one in _LENGTHS if one >= longest)
        ids = np.full((_BATCH, length), encoder.padding, np.int32)
        kinds = np.zeros((_BATCH, length), np.int32)
        mask = np.zeros((_BATCH, length), np.float32)
        shares = np.zeros((_BATCH, len(LABELS)), np.float32)
        weights = np.zeros(_BATCH, np.float32)
        for row, one in enumerate(group):
            example = examples[one]
            ids[row, : len(example.ids)] = example.ids
            kinds[row, : len(example.ids)] = example.kinds
            mask[row, : len(example.ids)] = 1
            shares[row], weights[row] = example.shares, 1
        yield (
            group,
            {"ids": ids, "kinds": kinds, "mask": mask, "shares": shares, "weights": weights},
        )


def loss(learning: Tree, words: Any, batch: Mapping[str, Any], encoder: Encoder, key: Any) -> Any:
    """Cross entropy, the mean of a batch."""
    said = logits(learning | {WORDS: words}, batch, encoder, key)
    each = optax.softmax_cross_entropy(said, batch["shares"])
    return (each * batch["weights"]).sum() / batch["weights"].sum()


def optimizer(encoder: Encoder) -> optax.GradientTransformation:
    """AdamW, its steps as large as each part of the model learns at most."""

    def scaled(updates: Tree, _params: Any) -> Tree:
        return {name: -one * encoder.rate_of(name) for name, one in updates.items()}

    return optax.chain(
        optax.clip_by_global_norm(1.0),
        optax.scale_by_adam(b2=0.98, eps=1e-6),
        optax.add_decayed_weights(0.01),
        optax.stateless(scaled),
    )


_predicted = jax.jit(logits, static_argnames="encoder")


def predict(p: Tree, examples: Sequence[Encoded], encoder: Encoder = MINILM) -> NDArray[np.float32]:
    """The logits of each example."""
    found = np.zeros((len(examples), 3), np.float32)
    for group, batch in batches(examples, encoder):
        found[group] = np.asarray(_predicted(p, batch, encoder))[: len(group)]
    return found


def macro_f1(labels: Sequence[int], said: Sequence[int]) -> float:
    """The mean of the three classes' F1."""
    figures = []
    for one in range(3):
        both = sum(a == b == one for a, b in zip(labels, said, strict=True))
        figures.append(2 * both / max(1, labels.count(one) + list(said).count(one)))
    return sum(figures) / 3


def figures_of(
    p: Tree, examples: Sequence[Encoded], encoder: Encoder = MINILM
) -> tuple[float, float]:
    """The macro-F1 of a model, and its mean surprise with the temperature that fits best."""
    labels = np.array([one.label for one in examples])
    said = predict(p, examples, encoder)
    says = np.full(len(labels), 1 / len(labels))
    f1 = macro_f1(labels.tolist(), said.argmax(1).tolist())
    return f1, surprise_of(said / temperature_of(said, labels, says), labels, says)


def renamed(examples: Sequence[Marked], random: np.random.Generator) -> Iterator[Marked]:
    """The examples, some of them with another's name for their target."""
    names = sorted(
        {
            mention
            for one in examples
            if (mention := one.sentence[one.start : one.end])[:1].isupper() and len(mention) > 4
        }
    )
    for example in examples:
        if random.random() >= _RENAMED:
            yield example
            continue
        name = names[int(random.integers(len(names)))]
        sentence = example.sentence[: example.start] + name + example.sentence[example.end :]
        yield Marked(sentence, example.start, example.start + len(name), example.label)


def train(
    name: str,
    start: Tree,
    told: Callable[[np.random.Generator], Sequence[Encoded]],
    *,
    seed: int,
    epochs: int,
    most_steps: int | None = None,
    rate: float = 1,
    folder: Path,
    encoder: Encoder = MINILM,
) -> Tree:
    """Train with one seed. It is kept on the way, and a training that was stopped goes on there.

    Args:
        name: what the training is kept as.
        start: the weights that it begins with.
        told: makes the examples of an epoch, always as many.
        seed: of all that is random.
        epochs: how often it is told all.
        most_steps: after so many batches it ends, wherever that is.
        rate: how fast it learns, one being what a model that knows nothing needs.
        folder: where it is kept.
        encoder: what learns.
    """
    # A copy: each step overwrites the weights before it.
    learning: Tree = jax.tree.map(jnp.copy, dict(start))
    words = learning.pop(WORDS)
    per_epoch = -(-len(told(np.random.default_rng(seed))) // _BATCH)
    steps = min(per_epoch * epochs, most_steps or per_epoch * epochs)
    # It rises, then falls to nothing.
    size = optax.warmup_cosine_decay_schedule(0, rate, int(_WARM_UP * steps), steps)
    rule = optimizer(encoder)
    state = rule.init(learning)

    @partial(jax.jit, donate_argnums=(0, 1))
    def step(
        learning: Tree, state: Any, words: Any, batch: Any, key: Any, size: Any
    ) -> tuple[Tree, Any, Any]:
        value, gradient = jax.value_and_grad(loss)(learning, words, batch, encoder, key)
        updates, state = rule.update(gradient, state, learning)
        moved = {name: one + size * updates[name] for name, one in learning.items()}
        return moved, state, value

    done, kept = 0, folder / f"{name}.npz"
    if kept.exists():
        with np.load(kept) as stored:
            leaves, shape = jax.tree.flatten((learning, state))
            learning, state = jax.tree.unflatten(
                shape, [jnp.asarray(stored[f"leaf{n}"]) for n in range(len(leaves))]
            )
            done = int(stored["done"])
    for epoch in range(done // per_epoch, -(-steps // per_epoch)):
        started, losses = time.time(), []
        random = np.random.default_rng([seed, epoch])
        told_now = told(random)
        for number, (_, batch) in enumerate(batches(told_now, encoder, random), epoch * per_epoch):
            if number < done:
                continue
            if number == steps:
                break
            key = jax.random.key(seed * 1_000_000 + number)
            learning, state, value = step(
                learning, state, words, batch, key, jnp.float32(size(number))
            )
            losses.append(value)
            done = number + 1
            if done % _KEPT_EVERY == 0 or done in (steps, (epoch + 1) * per_epoch):
                leaves = jax.tree.leaves((learning, state))
                stored_as: dict[str, Any] = {
                    f"leaf{n}": np.asarray(leaf) for n, leaf in enumerate(leaves)
                }
                unfinished = kept.with_suffix(".part.npz")
                np.savez(unfinished, done=done, **stored_as)
                unfinished.replace(kept)
                loss_now = np.mean([float(one) for one in losses[-_KEPT_EVERY:]])
                say(f"{name} step {done}: loss {loss_now:.3f} ({time.time() - started:.0f} s)")
    return learning | {WORDS: words}


class ToneGraph(Graph):
    """The trained network for one text: its tokens and which are the target's in, logits out."""

    def tone(self) -> onnx.ModelProto:
        """The network."""
        x = self.encoded()
        mean = self.node("ReduceMean", [x, "zero"], "mean", keepdims=1)
        cast = self.node("Cast", ["kinds"], "marked", to=TensorProto.FLOAT)
        column = self.node("Unsqueeze", [cast, self.constant("one", np.array([1]))], "column")
        target = self.node("Mul", [x, column], "target")
        total = self.node("ReduceSum", [target, "zero"], "target.sum", keepdims=1)
        count = self.node("ReduceSum", [column, "zero"], "target.count", keepdims=1)
        least = self.constant("least", np.array(1, np.float32))
        span = self.node("Div", [total, self.node("Max", [count, least], "target.size")], "span")
        both = self.node("Concat", [mean, span], "both", axis=1)
        said = self.dense(both, "said", "classifier")
        self.node("Squeeze", [said, "zero"], "logits")
        return self.finished(NAME, ["ids", "kinds"], "logits", len(LABELS))

    @override
    def embedded(self) -> str:
        """Each token's word, its place, and whether it is the target's."""
        words = self.constant("words", self.weights[WORDS])
        places = self.constant("places", self.weights["embeddings.position_embeddings.weight"])
        types = self.constant("types", self.weights["embeddings.token_type_embeddings.weight"])
        word = self.node("Gather", [words, "ids"], "word")
        count = self.node("Shape", ["ids"], "count")
        place = self.node("Slice", [places, "zero", count, "zero"], "place")
        kind = self.node("Gather", [types, "kinds"], "kind")
        here = self.node("Add", [place, kind], "here")
        return self.normed(word, here, "embedded", "embeddings.LayerNorm")


def export(
    p: Tree, news: Sequence[Sequence[Encoded]], brands: Sequence[Encoded], folder: Path
) -> None:
    """Write the model in 8 bits, with the temperatures that its probabilities need.

    They are what the file itself needs: rounding moves its figures.

    Args:
        p: the model's weights.
        news: sets of sentences that tell the temperature for people, and for articles as a whole;
            each set has the same say, however large it is.
        brands: sentences that tell the temperature for brands and organisations.
        folder: where the model is written to.
    """
    weights = {name: np.asarray(values, np.float32) for name, values in p.items()}
    folder.mkdir(parents=True, exist_ok=True)
    graph = ToneGraph(weights).tone()
    about: dict[str, object] = {"name": NAME, "tokens": TOKENS}
    write_model(folder, graph, about)
    network = InferenceSession(folder / "model.onnx", providers=["CPUExecutionProvider"])

    def temperature(*sets: Sequence[Encoded]) -> float:
        inputs = [
            {"ids": one.ids.astype(np.int64), "kinds": one.kinds.astype(np.int64)}
            for part in sets
            for one in part
        ]
        said = np.array([network.run(None, one)[0] for one in inputs])
        labels = np.array([one.label for part in sets for one in part])
        says = np.concatenate([np.full(len(part), 1 / len(part)) for part in sets])
        f1 = macro_f1(labels.tolist(), said.argmax(1).tolist())
        found = round(temperature_of(said, labels, says), 2)
        say(f"in 8 bits, {len(labels)} sentences: {f1:.4f}, temperature {found}")
        return found

    of_news, of_brands = temperature(*news), temperature(brands)
    by_subject = {"brand": of_brands, "org": of_brands, "person": of_news, "article": of_news}
    hashes = write_model(folder, graph, {**about, "temperatures": by_subject})
    for name, digest in hashes.items():
        say(f"{digest}  {name}")


def temperature_of(
    said: NDArray[np.float32], labels: NDArray[np.int64], says: NDArray[np.float64]
) -> float:
    """The divisor of logits with which their probabilities fit the labels best.

    Args:
        said: the logits of each text.
        labels: the right label of each.
        says: how much each counts.
    """

    return float(
        min(np.arange(0.5, 5, 0.01), key=lambda one: surprise_of(said / one, labels, says))
    )


def surprise_of(
    said: NDArray[np.float32], labels: NDArray[np.int64], says: NDArray[np.float64]
) -> float:
    """The sum of what each right label's probability falls short of 1, as a logarithm."""
    scaled = said - said.max(1, keepdims=True)
    surprise = np.log(np.exp(scaled).sum(1)) - scaled[np.arange(len(labels)), labels]
    return float((surprise * says).sum())


def say(line: str) -> None:
    """Tell how far the work has come."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> int:
    """Train, and tell the figures of every run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="the folder of NewsMTSC")
    parser.add_argument("--ratings", type=Path, help="the folder of the data on VADER")
    parser.add_argument(
        "--mentions", type=Path, help="the file of tools.record_mentions, for the last part"
    )
    parser.add_argument("--work", type=Path, required=True, help="where trainings are kept")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1])
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--brand-seeds", type=int, nargs="+", default=[0, 1])
    parser.add_argument("--model", type=Path, default=FOLDER, help="where the model is written to")
    parser.add_argument(
        "--most", type=int, help="examples of each kind: to see whether everything works"
    )
    chosen = parser.parse_args()
    chosen.work.mkdir(parents=True, exist_ok=True)
    tokenizer = tokenizer_of(MINILM)
    news = read_examples(chosen.data / "newsmtsc-rw-hf-train.jsonl")[: chosen.most]
    brands = read_brands(FILE, FIT_ONLY)[: chosen.most]
    patterns = lines_of(PATTERNS)[: chosen.most]
    to_choose = {
        name: examples[: chosen.most]
        for name, examples in (
            ("rw", read_examples(chosen.data / "newsmtsc-rw-hf-dev.jsonl")),
            ("mt", read_examples(chosen.data / "newsmtsc-mt-hf-dev.jsonl")),
            ("brands", read_brands(SETTLING, COMPARISONS, part="settle")),
        )
    }
    development = {
        name: [encode(tokenizer, one) for one in examples] for name, examples in to_choose.items()
    }

    def told(
        examples: Sequence[Marked],
        patterns: Sequence[str],
        random: np.random.Generator,
        tokenizer: Tokenizer = tokenizer,
    ) -> list[Encoded]:
        now = (*renamed(examples, random), *drawn(patterns, random))
        return [encode(tokenizer, one) for one in now]

    rated = read_ratings(chosen.ratings)[: chosen.most] if chosen.ratings else []
    taught_ratings = [
        train(
            f"rated{seed}",
            first_parameters(seed),
            partial(encode_rated, tokenizer, rated),
            seed=seed,
            epochs=1,
            most_steps=_STEPS_OF_RATED,
            folder=chosen.work,
        )
        if rated
        else first_parameters(seed)
        for seed in chosen.seeds
    ]
    taught_news = mean_of(
        [
            train(
                f"news{seed}",
                start,
                partial(told, news + read_brands(FILE)[: chosen.most], ()),
                seed=seed,
                epochs=chosen.epochs,
                folder=chosen.work,
            )
            for seed, start in zip(chosen.seeds, taught_ratings, strict=True)
        ],
    )
    taught_brands = mean_of(
        [
            train(
                f"brands{seed}",
                taught_news,
                partial(
                    told,
                    [news[number] for number in some_of(len(news), seed)] + brands,
                    patterns,
                ),
                seed=seed,
                epochs=_EPOCHS_OF_BRANDS,
                rate=_RATE_OF_BRANDS,
                folder=chosen.work,
            )
            for seed in chosen.brand_seeds
        ]
    )
    several = [one for one in patterns if len(open_brands(one)) > 1]
    single = [one for one in patterns if len(open_brands(one)) == 1]
    short = [one for one in news if len(one.sentence) <= _SHORT]

    def roles(random: np.random.Generator) -> list[Encoded]:
        beside = [short[n] for n in random.permutation(len(short))[:_BESIDE_ROLES]]
        alone = [single[n] for n in random.permutation(len(single))[:_BESIDE_ROLES]]
        return told(beside + brands, several * _ROLES_TOLD + alone, random)

    taught_roles = train(
        "roles",
        taught_brands,
        roles,
        seed=chosen.seeds[0],
        epochs=_EPOCHS_OF_ROLES,
        rate=_RATE_OF_ROLES,
        folder=chosen.work,
    )
    kept = between(taught_brands, taught_roles, _SHARES, development)
    if chosen.mentions:
        other = tokenizer_of(MPNET)
        teacher = train(
            "teacher",
            first_parameters(chosen.seeds[0], MPNET),
            partial(told, news + brands, patterns, tokenizer=other),
            seed=chosen.seeds[0],
            epochs=_EPOCHS_OF_TEACHER,
            folder=chosen.work,
            encoder=MPNET,
        )
        for part, examples in to_choose.items():
            f1, surprise = figures_of(teacher, [encode(other, one) for one in examples], MPNET)
            say(f"teacher on {part}: {f1:.4f} {surprise:.4f}")
        unlabelled = read_mentions(chosen.mentions)[: chosen.most or _LABELLED_BY_TEACHER]

        def said(examples: Sequence[Marked]) -> NDArray[np.float32]:
            encoded = [encode(other, one) for one in examples]
            return probabilities(predict(teacher, encoded, MPNET) / _TEMPERATURE_OF_TEACHER)

        again = [news[number] for number in some_of(len(news), chosen.seeds[0])]
        of_news, of_unlabelled = said(again), said(unlabelled)
        random = np.random.default_rng(chosen.seeds[0])
        labelled = [
            replace(encode(tokenizer, unlabelled[number]), shares=tuple(of_unlabelled[number]))
            for number in balanced(of_unlabelled.argmax(1), _TAUGHT, random)
        ]

        def taught(random: np.random.Generator) -> list[Encoded]:
            own = told(again + brands, patterns, random)
            mixed = [
                replace(one, shares=tuple(_OWN_LABEL * np.array(one.shares) + by_teacher))
                for one, by_teacher in zip(own, (1 - _OWN_LABEL) * of_news, strict=False)
            ]
            return labelled + mixed + own[len(again) :]

        taught_more = train(
            "taught",
            kept,
            taught,
            seed=chosen.seeds[0],
            epochs=_EPOCHS_OF_TAUGHT,
            rate=_RATE_OF_TAUGHT,
            folder=chosen.work,
        )
        kept = between(kept, taught_more, _SHARES_OF_TAUGHT, development)
    calibrating = [encode(tokenizer, one) for one in read_brands(CALIBRATING, part="calibrate")]
    export(kept, [development["rw"], development["mt"]], calibrating, chosen.model)
    return 0


def between(
    before: Tree, after: Tree, shares: Sequence[float], development: Mapping[str, Sequence[Encoded]]
) -> Tree:
    """What lies between two trainings where the sets that choose are surprised least.

    It keeps what was taught before (https://arxiv.org/abs/2109.01903). Surprise decides: of so few
    sentences it depends on chance less than F1 does.
    """
    kept, best = before, float("inf")
    for share in shares:
        mixed = mean_of([before, after], [1 - share, share])
        figures = {part: figures_of(mixed, of) for part, of in development.items()}
        surprise = sum(one for _, one in figures.values()) / len(figures)
        if surprise < best:
            kept, best = mixed, surprise
        told_of = " ".join(f"{part} {f1:.4f} {one:.4f}" for part, (f1, one) in figures.items())
        say(f"share {share}: {told_of}, mean surprise {surprise:.4f}")
    return kept


def probabilities(said: NDArray[np.float32]) -> NDArray[np.float32]:
    """How likely each label is by the logits of texts."""
    parts = np.exp(said - said.max(1, keepdims=True))
    return np.asarray(parts / parts.sum(1, keepdims=True), np.float32)


def balanced(labels: NDArray[np.int64], most: int, random: np.random.Generator) -> list[int]:
    """The numbers of examples, so many at most, among which no label is far oftener than others.

    What the rarest label has too few of, the others make up.
    """
    order = random.permutation(len(labels))
    of_label = [order[labels[order] == label].tolist() for label in range(len(LABELS))]
    taken: list[int] = []
    for done, numbers in enumerate(sorted(of_label, key=len)):
        taken += numbers[: (most - len(taken)) // (len(LABELS) - done)]
    return taken


def mean_of(trained: Sequence[Tree], shares: Sequence[float] = ()) -> Tree:
    """The model whose weights are the mean of the models' weights.

    Args:
        trained: the models.
        shares: how much each counts, one in all; all alike where there are none.
    """
    counts = shares or [1 / len(trained)] * len(trained)
    mean: Tree = jax.tree.map(
        lambda *all_: sum(one * count for one, count in zip(all_, counts, strict=True)), *trained
    )
    return mean


def some_of(count: int, seed: int) -> list[int]:
    """The numbers of the news that are told again beside the brands."""
    chosen: list[int] = np.random.default_rng(seed).permutation(count).tolist()
    return chosen[:_NEWS_BESIDE_BRANDS]


if __name__ == "__main__":
    sys.exit(main())
