"""Pairs of articles with known truth, made from the base texts, the same for the same seed."""

import itertools
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

from evaluation.duplicates import copies, edits
from evaluation.duplicates.base_texts import BaseText, Publication, base_texts
from evaluation.duplicates.copies import Change, Kind, published
from evaluation.duplicates.template_news import ShortText, Template, short_texts, templates
from evaluation.duplicates.wordings import wording
from evaluation.parts import PARTS, Part

Truth = Literal["copy", "rewrite", "different"]

SEED: Final = 20261124

_OF_ENGLISH: Final = 14
_OF_OTHERS: Final = 4
"""Texts a kind and part, in English and in each of the other languages."""

_LONG: Final = 300
_OF_LONG: Final = 3
"""Words of a long text, and how many at most come first in a language."""

_UNRELATED: Final = 70
_SAME_TOPIC: Final = 60
_FRAMED: Final = 60
_QUOTING: Final = 70
_PER_TEMPLATE: Final = 14


@dataclass(frozen=True)
class Pair:
    """Two articles, the earlier first, and what they are to each other.

    `sources` are the ids of what they were made of: base texts, templates, groups of short texts.
    """

    id: str
    part: Part
    kind: str
    truth: Truth
    language: str
    sources: frozenset[str]
    one: Publication
    other: Publication

    @property
    def words(self) -> int:
        """The length of the shorter body, in words."""
        return min(len(self.one.body.split()), len(self.other.body.split()))


def make_pairs(part: Part, seed: int = SEED) -> list[Pair]:
    """Return the pairs of a part."""
    makers = (
        _changed_texts,
        _two_copies,
        _changed_templates,
        _copies_of_short_texts,
        _rewritten_by_hand,
        _reports_of_one_event,
        _with_the_same_statement,
        _follow_ups,
        _quotations,
        _filled_templates,
        _short_texts_of_one_group,
        _in_the_same_frame,
        _of_the_same_topic,
        _unrelated,
    )
    rng = random.Random(f"{seed}/{part}")
    pairs = [pair for maker in makers for pair in maker(part, random.Random(rng.random()))]
    return [replace(pair, id=f"{part}-{at:04}") for at, pair in enumerate(pairs)]


def all_pairs(seed: int = SEED) -> list[Pair]:
    """Return the pairs of both parts."""
    return [pair for part in PARTS for pair in make_pairs(part, seed)]


def _pair(
    part: Part,
    kind: str,
    truth: Truth,
    language: str,
    sources: Sequence[str],
    one: Publication,
    other: Publication,
) -> Pair:
    return Pair("", part, kind, truth, language, frozenset(sources), one, other)


def _original(text: BaseText | ShortText, rng: random.Random) -> Publication:
    return published(text.title, text.body, rng)


def _elsewhere(article: Publication, rng: random.Random) -> Publication:
    return published(article.title, article.body, rng)


def _sample(texts: Sequence[BaseText], rng: random.Random) -> list[BaseText]:
    """Draw texts for one kind so that every language and long ones have their share."""
    chosen = []
    for language in sorted({text.language for text in texts}):
        drawn = rng.sample(texts, len(texts))
        of_language = [text for text in drawn if text.language == language]
        long = [text for text in of_language if text.words >= _LONG][:_OF_LONG]
        wanted = _OF_ENGLISH if language == "eng" else _OF_OTHERS
        chosen += [*long, *(text for text in of_language if text not in long)][:wanted]
    return chosen


def _changed_texts(part: Part, rng: random.Random) -> Iterator[Pair]:
    both: tuple[tuple[Truth, Mapping[str, Kind]], ...] = (
        ("copy", copies.COPIES),
        ("rewrite", copies.DISTANT),
    )
    for truth, kinds in both:
        for name, kind in kinds.items():
            suitable = [text for text in base_texts(part) if text.words >= kind.least_words]
            for text in _sample(suitable, rng):
                one = _original(text, rng)
                words = wording(text.language, part)
                other = kind.change(_elsewhere(one, rng), words, rng)
                if name == "url_twin":
                    other = replace(other, url=one.url)
                yield _pair(part, name, truth, text.language, [text.id], one, other)


def _two_copies(part: Part, rng: random.Random) -> Iterator[Pair]:
    changes: tuple[Change, ...] = (
        copies.with_byline,
        copies.with_credit,
        copies.with_footer,
        copies.with_links,
        copies.with_captions,
        copies.COPIES["last_paragraph_cut"].change,
        copies.COPIES["edited_5"].change,
        copies.COPIES["house_style"].change,
    )
    for text in _sample([text for text in base_texts(part) if text.words >= 120], rng):
        words = wording(text.language, part)
        first, second = rng.sample(changes, 2)
        one = first(_original(text, rng), words, rng)
        other = copies.retitled(second(_original(text, rng), words, rng), words, rng)
        yield _pair(part, "two_copies", "copy", text.language, [text.id], one, other)


def _changed_templates(part: Part, rng: random.Random) -> Iterator[Pair]:
    kinds = ("byline", "agency_credit", "retitled", "last_paragraph_cut", "edited_2", "captions")
    for template in templates(part):
        words = wording(template.language, part)
        for name in kinds:
            one = _filled(template, rng.randrange(template.subjects), rng)
            if name == "last_paragraph_cut" and len(edits.paragraphs(one.body)) == 1:
                continue
            other = copies.COPIES[name].change(_elsewhere(one, rng), words, rng)
            source = f"template:{template.id}"
            yield _pair(part, "template_copy", "copy", template.language, [source], one, other)


def _copies_of_short_texts(part: Part, rng: random.Random) -> Iterator[Pair]:
    for text in short_texts(part):
        one = _original(text, rng)
        change = rng.choice((copies.with_byline, copies.retitled))
        other = change(_elsewhere(one, rng), wording(text.language, part), rng)
        yield _pair(part, "short_copy", "copy", text.language, [f"short:{text.group}"], one, other)


def _rewritten_by_hand(part: Part, rng: random.Random) -> Iterator[Pair]:
    by_id = {text.id: text for text in base_texts(part)}
    for text in base_texts(part):
        for kind, earlier in (("rewrite", text.rewrites), ("update", text.updates)):
            if earlier:
                yield from _dressed(part, kind, "rewrite", by_id[earlier], text, rng)


def _reports_of_one_event(part: Part, rng: random.Random) -> Iterator[Pair]:
    for one, other in itertools.combinations(base_texts(part), 2):
        if one.event and one.event == other.event:
            yield from _dressed(part, "same_event", "different", one, other, rng)


def _with_the_same_statement(part: Part, rng: random.Random) -> Iterator[Pair]:
    """Yield reports of one event which both carry the same passage, as of a press release."""
    texts = base_texts(part)
    for one, other in itertools.combinations(texts, 2):
        if one.event and one.event == other.event:
            strangers = [
                text
                for text in texts
                if text.language == one.language and text.story != one.story and text.words > 120
            ]
            stated, seed = rng.choice(strangers), rng.random()
            share = 0.5 * min(one.words, other.words) / stated.words
            yield _pair(
                part,
                "same_statement",
                "different",
                one.language,
                [one.id, other.id, stated.id],
                *(
                    published(
                        text.title,
                        edits.quoting(text.body, stated.body, share, random.Random(seed)),
                        rng,
                    )
                    for text in (one, other)
                ),
            )


def _follow_ups(part: Part, rng: random.Random) -> Iterator[Pair]:
    by_id = {text.id: text for text in base_texts(part)}
    for text in base_texts(part):
        if text.follows:
            yield from _dressed(part, "follow_up", "different", by_id[text.follows], text, rng)


def _dressed(
    part: Part, kind: str, truth: Truth, one: BaseText, other: BaseText, rng: random.Random
) -> Iterator[Pair]:
    """Yield two texts as one site and another may have printed them."""
    words = wording(one.language, part)
    for change in copies.DRESSES:
        yield _pair(
            part,
            kind,
            truth,
            one.language,
            [one.id, other.id],
            change(_original(one, rng), words, rng),
            change(_original(other, rng), words, rng),
        )


def _quotations(part: Part, rng: random.Random) -> Iterator[Pair]:
    texts = [text for text in base_texts(part) if text.words >= 100]
    for earlier, text in _different_texts(texts, _QUOTING, rng, _any):
        share = rng.uniform(0.25, 0.48)
        most = min(share, 0.48 * text.words / earlier.words)
        body = edits.quoting(text.body, earlier.body, most, rng)
        yield _pair(
            part,
            "quotation",
            "different",
            text.language,
            [earlier.id, text.id],
            _original(earlier, rng),
            published(text.title, body, rng),
        )


def _filled_templates(part: Part, rng: random.Random) -> Iterator[Pair]:
    for template in templates(part):
        subjects = range(template.subjects)
        others = rng.sample(list(itertools.combinations(subjects, 2)), _PER_TEMPLATE)
        same = [(at % template.subjects,) * 2 for at in range(_PER_TEMPLATE)]
        for kind, chosen in (("template_other_name", others), ("template_same_name", same)):
            for first, second in chosen:
                yield _pair(
                    part,
                    kind,
                    "different",
                    template.language,
                    [f"template:{template.id}"],
                    _filled(template, first, rng),
                    _filled(template, second, rng),
                )


def _filled(template: Template, subject: int, rng: random.Random) -> Publication:
    return published(*template.fill(subject, rng), rng)


def _short_texts_of_one_group(part: Part, rng: random.Random) -> Iterator[Pair]:
    for one, other in itertools.combinations(short_texts(part), 2):
        if one.group == other.group:
            yield _pair(
                part,
                "short_boilerplate",
                "different",
                one.language,
                [f"short:{one.group}"],
                _original(one, rng),
                _original(other, rng),
            )


def _in_the_same_frame(part: Part, rng: random.Random) -> Iterator[Pair]:
    for one, other in _different_texts(base_texts(part), _FRAMED, rng, _any):
        words, seed = wording(one.language, part), rng.random()
        yield _pair(
            part,
            "same_frame",
            "different",
            one.language,
            [one.id, other.id],
            # The same draws for both: one site, one frame.
            copies.in_a_frame(_original(one, rng), words, random.Random(seed)),
            copies.in_a_frame(_original(other, rng), words, random.Random(seed)),
        )


def _of_the_same_topic(part: Part, rng: random.Random) -> Iterator[Pair]:
    yield from _plain(part, "same_topic", _SAME_TOPIC, _share_topic, rng)


def _unrelated(part: Part, rng: random.Random) -> Iterator[Pair]:
    yield from _plain(part, "unrelated", _UNRELATED, _other_topic, rng)


def _plain(
    part: Part,
    kind: str,
    count: int,
    fits: Callable[[BaseText, BaseText], bool],
    rng: random.Random,
) -> Iterator[Pair]:
    for one, other in _different_texts(base_texts(part), count, rng, fits):
        yield _pair(
            part,
            kind,
            "different",
            one.language,
            [one.id, other.id],
            _original(one, rng),
            _original(other, rng),
        )


def _any(_: BaseText, __: BaseText) -> bool:
    return True


def _share_topic(one: BaseText, other: BaseText) -> bool:
    return one.topic == other.topic


def _other_topic(one: BaseText, other: BaseText) -> bool:
    return one.topic != other.topic


def _different_texts(
    texts: Sequence[BaseText],
    count: int,
    rng: random.Random,
    fits: Callable[[BaseText, BaseText], bool],
) -> list[tuple[BaseText, BaseText]]:
    """Draw pairs of texts in one language that tell different stories."""
    possible = [
        (one, other)
        for one, other in itertools.permutations(texts, 2)
        if one.language == other.language and one.story != other.story and fits(one, other)
    ]
    return rng.sample(possible, min(count, len(possible)))
