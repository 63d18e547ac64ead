"""Train the model of tone that the package ships: `make sentiment-model`.

A network that is too large and too slow to ship learns from sentences with one target marked how
they speak about it: from news (NewsMTSC) and from sentences about brands (`evaluation/tone`). Then
it says how likely each label is for sentences that nobody has labelled, and the small network,
all-MiniLM-L6-v2, learns from all of them (https://arxiv.org/abs/1503.02531).

The texts of NewsMTSC, and others that are no part of the project, are read from folders and stay
there.
"""

import argparse
import json
import math
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from evaluation.tone.scores import macro_f1
from evaluation.tone.sentences import (
    CALIBRATING,
    COMPARISONS,
    FILE,
    FIT_ONLY,
    NAMES,
    PATTERNS,
    SETTLING,
    Marked,
    filled,
    lines_of,
    marked_of,
    open_brands,
    read_newsmtsc,
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
    Parameters,
    first_parameters,
    logits,
    tokenizer_of,
)

LABELS = ("negative", "neutral", "positive")
TOKENS = 128
"""How many of a sentence are read, the target's among them."""

_SEED = 1
_BATCH = 32
_FILLED_UP_TO = 8
"""The texts of a batch are filled up to a multiple of so many tokens."""

_DROPOUT = 0.1
_WARM_UP = 0.1
_RENAMED = 0.2
"""The share of examples whose target is called otherwise, anew in each epoch: what is said counts,
not of whom."""

_EPOCHS_OF_TEACHER = 3
_ROUNDS = (2, 2)
"""The epochs of each round in which the small network learns. In each its rate rises and falls anew
(https://arxiv.org/abs/1608.03983)."""

_SHARES = (0.0, 0.3, 0.5, 0.7, 1.0)
"""How much of what is kept may be of the last round."""

_TIMES_TOLD = 2
"""How often an epoch tells the small network what people have labelled."""

_OWN_LABEL = 0.3
"""How much the label of the news counts then, beside what the teacher says of them."""

_KEPT_EVERY = 100
"""Steps after which a training is kept."""

FOLDER = Path(__file__).parents[1] / "src/newsapi_dentsu/meaning/tone_minilm"
NAME = "tone-minilm"


@dataclass(frozen=True, slots=True)
class Encoded:
    """An example as a network takes it: tokens, which of them are the target's, and the labels.

    `shares` tells how right each label is: the teacher needn't be sure.
    """

    ids: NDArray[np.int64]
    kinds: NDArray[np.int64]
    shares: tuple[float, ...]

    @property
    def label(self) -> int:
        """The label that is most right."""
        return self.shares.index(max(self.shares))


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


def encode(tokenizer: Tokenizer, example: Marked) -> Encoded:
    """The tokens of an example; a sentence that is too long loses what is far from the target."""
    encoding = tokenizer.encode(example.sentence)
    ids = np.array(encoding.ids, np.int64)
    kinds = np.array(
        [
            int(end > start and start < example.end and end > example.start)
            for start, end in encoding.offsets
        ],
        np.int64,
    )
    read = window(kinds.tolist(), TOKENS)
    return Encoded(
        ids[read], kinds[read], tuple(float(one == example.label) for one in range(len(LABELS)))
    )


def batches(
    examples: Sequence[Encoded],
    encoder: Encoder,
    random: np.random.Generator | None = None,
) -> Iterator[tuple[NDArray[np.int64], dict[str, Any]]]:
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
        shape = len(group), -(-longest // _FILLED_UP_TO) * _FILLED_UP_TO
        ids = np.full(shape, encoder.padding, np.int64)
        kinds, mask = np.zeros(shape, np.int64), np.zeros(shape, np.float32)
        for row, one in enumerate(group):
            example = examples[one]
            ids[row, : len(example.ids)] = example.ids
            kinds[row, : len(example.ids)] = example.kinds
            mask[row, : len(example.ids)] = 1
        shares = np.array([examples[one].shares for one in group], np.float32)
        arrays = {"ids": ids, "kinds": kinds, "mask": mask, "shares": shares}
        yield group, {name: torch.from_numpy(values) for name, values in arrays.items()}


def predict(
    parameters: Parameters, examples: Sequence[Encoded], encoder: Encoder
) -> NDArray[np.float32]:
    """The logits of each example."""
    found = np.zeros((len(examples), len(LABELS)), np.float32)
    with torch.no_grad():
        for group, batch in batches(examples, encoder):
            found[group] = logits(parameters, batch, encoder).numpy()
    return found


def figures_of(
    parameters: Parameters, examples: Sequence[Encoded], encoder: Encoder
) -> tuple[float, float]:
    """The macro-F1 of a model, and its mean surprise with the temperature that fits best."""
    labels = np.array([one.label for one in examples])
    said = predict(parameters, examples, encoder)
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
    start: Parameters,
    told: Callable[[np.random.Generator], Sequence[Encoded]],
    *,
    seed: int,
    epochs: int,
    encoder: Encoder,
    folder: Path,
    development: Mapping[str, Sequence[Encoded]],
) -> Parameters:
    """Train a network. It is kept on the way, and a training that was stopped goes on there.

    Args:
        name: what the training is kept as.
        start: the weights that it begins with.
        told: makes the examples of an epoch, always as many.
        seed: of all that is random.
        epochs: how often it is told all.
        encoder: what learns.
        folder: where it is kept.
        development: sets of sentences whose figures are told after each epoch.
    """
    parameters = {part: values.clone() for part, values in start.items()}
    learning = {
        part: values.requires_grad_() for part, values in parameters.items() if part != WORDS
    }
    rates = [encoder.rate_of(part) for part in learning]
    rule = torch.optim.AdamW(
        [{"params": [values]} for values in learning.values()],
        betas=(0.9, 0.98),
        eps=1e-6,
        weight_decay=0.01,
        fused=True,
    )
    per_epoch = -(-len(told(np.random.default_rng(seed))) // _BATCH)
    steps = per_epoch * epochs
    done, kept = 0, folder / f"{name}.pt"
    if kept.exists():
        stored = torch.load(kept)
        done = stored["done"]
        with torch.no_grad():
            for part, values in learning.items():
                values.copy_(stored["learning"][part])
        rule.load_state_dict(stored["rule"])
    for epoch in range(done // per_epoch, epochs):
        started, losses = time.time(), []
        random = np.random.default_rng([seed, epoch])
        told_now = told(random)
        for number, (_, batch) in enumerate(batches(told_now, encoder, random), epoch * per_epoch):
            if number < done:
                continue
            torch.manual_seed(seed * 1_000_000 + number)
            size = _size_of_step(number, steps)
            for group, rate in zip(rule.param_groups, rates, strict=True):
                group["lr"] = rate * size
            said = logits(parameters, batch, encoder, _DROPOUT)
            loss = torch.nn.functional.cross_entropy(said, batch["shares"])
            rule.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(list(learning.values()), 1.0)
            rule.step()
            losses.append(loss.item())
            done = number + 1
            if done % _KEPT_EVERY == 0 or done in (steps, (epoch + 1) * per_epoch):
                unfinished = kept.with_suffix(".part")
                state = {"done": done, "learning": learning, "rule": rule.state_dict()}
                torch.save(state, unfinished)
                unfinished.replace(kept)
                now = np.mean(losses[-_KEPT_EVERY:])
                took = time.time() - started
                say(f"{name} step {done} of {steps}: loss {now:.3f} ({took:.0f} s)")
        for part, examples in development.items():
            f1, surprise = figures_of(parameters, examples, encoder)
            say(f"{name} on {part} after epoch {epoch + 1}: {f1:.4f} {surprise:.4f}")
    return {part: values.detach() for part, values in parameters.items()}


def _size_of_step(number: int, steps: int) -> float:
    """How much of its rate a step takes: it rises, then falls to nothing."""
    warm_up = int(_WARM_UP * steps)
    if number < warm_up:
        return number / warm_up
    return 0.5 * (1 + math.cos(math.pi * (number - warm_up) / (steps - warm_up)))


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
    parameters: Parameters,
    news: Sequence[Sequence[Encoded]],
    brands: Sequence[Encoded],
    folder: Path,
) -> None:
    """Write the model in 8 bits, with the temperatures that its probabilities need.

    They are what the file itself needs: rounding moves its figures.

    Args:
        parameters: the model's weights.
        news: sets of sentences that tell the temperature for people, and for articles as a whole;
            each set has the same say, however large it is.
        brands: sentences that tell the temperature for brands and organisations.
        folder: where the model is written to.
    """
    weights = {name: values.numpy() for name, values in parameters.items()}
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


def temperature_on(
    parameters: Parameters, development: Mapping[str, Sequence[Encoded]], encoder: Encoder
) -> float:
    """The temperature that fits sets of sentences best, each with the same say."""
    said = [predict(parameters, examples, encoder) for examples in development.values()]
    labels = [one.label for examples in development.values() for one in examples]
    says = [1 / len(examples) for examples in development.values() for _ in examples]
    return temperature_of(np.concatenate(said), np.array(labels), np.array(says))


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
    """Train, and tell the figures of every part."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="the folder of NewsMTSC")
    parser.add_argument(
        "--mentions", type=Path, required=True, help="the file of tools.record_mentions"
    )
    parser.add_argument("--work", type=Path, required=True, help="where trainings are kept")
    parser.add_argument("--model", type=Path, default=FOLDER, help="where the model is written to")
    parser.add_argument(
        "--most", type=int, help="examples of each kind: to see whether everything works"
    )
    chosen = parser.parse_args()
    chosen.work.mkdir(parents=True, exist_ok=True)
    news = read_newsmtsc(chosen.data / "newsmtsc-rw-hf-train.jsonl")[: chosen.most]
    brands = marked_of("fit", FILE, FIT_ONLY)[: chosen.most]
    patterns = lines_of(PATTERNS)[: chosen.most]
    held_out = {
        "rw": read_newsmtsc(chosen.data / "newsmtsc-rw-hf-dev.jsonl")[: chosen.most],
        "mt": read_newsmtsc(chosen.data / "newsmtsc-mt-hf-dev.jsonl")[: chosen.most],
        "brands": marked_of("settle", SETTLING, COMPARISONS)[: chosen.most],
    }

    def encoded(tokenizer: Tokenizer) -> dict[str, list[Encoded]]:
        return {
            part: [encode(tokenizer, one) for one in examples]
            for part, examples in held_out.items()
        }

    def told(tokenizer: Tokenizer, random: np.random.Generator) -> list[Encoded]:
        now = (*renamed(news + brands, random), *drawn(patterns, random))
        return [encode(tokenizer, one) for one in now]

    theirs, ours = tokenizer_of(MPNET), tokenizer_of(MINILM)
    development_of_teacher, development = encoded(theirs), encoded(ours)
    teacher = train(
        "teacher",
        first_parameters(_SEED, MPNET),
        partial(told, theirs),
        seed=_SEED,
        epochs=_EPOCHS_OF_TEACHER,
        encoder=MPNET,
        folder=chosen.work,
        development=development_of_teacher,
    )

    temperature = temperature_on(teacher, development_of_teacher, MPNET)
    say(f"the teacher's temperature: {temperature:.2f}")

    def said(examples: Sequence[Marked], name: str) -> NDArray[np.float32]:
        kept = chosen.work / f"{name}.npy"
        if not kept.exists():
            by_teacher = predict(teacher, [encode(theirs, one) for one in examples], MPNET)
            unfinished = kept.with_suffix(".part.npy")
            np.save(unfinished, probabilities(by_teacher / temperature))
            unfinished.replace(kept)
            say(f"the teacher has labelled {len(examples):,} sentences: {name}")
        return np.asarray(np.load(kept), np.float32)

    unlabelled = read_mentions(chosen.mentions)[: chosen.most]
    of_news, of_unlabelled = said(news, "news"), said(unlabelled, "mentions")
    labelled = [
        replace(encode(ours, one), shares=tuple(shares))
        for one, shares in zip(unlabelled, of_unlabelled.tolist(), strict=True)
    ]

    def taught(random: np.random.Generator) -> list[Encoded]:
        examples = list(labelled)
        for _ in range(_TIMES_TOLD):
            own = told(ours, random)
            mixed = [
                replace(one, shares=tuple(_OWN_LABEL * np.array(one.shares) + by_teacher))
                for one, by_teacher in zip(own, (1 - _OWN_LABEL) * of_news, strict=False)
            ]
            examples += mixed + own[len(news) :]
        return examples

    rounds = [first_parameters(_SEED, MINILM)]
    for number, epochs in enumerate(_ROUNDS, 1):
        learnt = train(
            f"taught{number}",
            rounds[-1],
            taught,
            seed=_SEED + number - 1,
            epochs=epochs,
            encoder=MINILM,
            folder=chosen.work,
            development=development,
        )
        rounds.append(learnt)
    kept = between(rounds[-2], rounds[-1], development)
    calibrating = [encode(ours, one) for one in marked_of("calibrate", CALIBRATING)]
    export(kept, [development["rw"], development["mt"]], calibrating, chosen.model)
    return 0


def between(
    before: Parameters, after: Parameters, development: Mapping[str, Sequence[Encoded]]
) -> Parameters:
    """What lies between two rounds where the development sets are surprised least.

    It keeps what was learnt before (https://arxiv.org/abs/2109.01903). Surprise decides: of so few
    sentences it depends on chance less than F1 does.
    """
    kept, least = before, float("inf")
    for share in _SHARES:
        mixed = {name: (1 - share) * one + share * after[name] for name, one in before.items()}
        figures = {part: figures_of(mixed, of, MINILM) for part, of in development.items()}
        surprise = sum(one for _, one in figures.values()) / len(figures)
        if surprise < least:
            kept, least = mixed, surprise
        told_of = " ".join(f"{part} {f1:.4f} {one:.4f}" for part, (f1, one) in figures.items())
        say(f"{share} of the last round: {told_of}, mean surprise {surprise:.4f}")
    return kept


def probabilities(said: NDArray[np.float32]) -> NDArray[np.float32]:
    """How likely each label is by the logits of texts."""
    parts = np.exp(said - said.max(1, keepdims=True))
    return np.asarray(parts / parts.sum(1, keepdims=True), np.float32)


if __name__ == "__main__":
    sys.exit(main())
