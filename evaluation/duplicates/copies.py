"""The kinds of copies, and of rewordings which go too far to be copies."""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

from evaluation.duplicates import edits
from evaluation.duplicates.base_texts import Publication
from evaluation.duplicates.wordings import Wording

_SITES: Final = (
    "morning-ledger.example",
    "coastal-post.example",
    "thewire.example",
    "business-daily.example",
    "valley-courier.example",
    "metro-today.example",
)

Change = Callable[[Publication, Wording, random.Random], Publication]


@dataclass(frozen=True)
class Kind:
    """One way to make a second article of a first, for texts of at least so many words."""

    change: Change
    least_words: int = 0


def published(title: str, body: str, rng: random.Random) -> Publication:
    """Return a text as a site has it, under a url of its own."""
    slug = "-".join("".join(c if c.isalnum() else " " for c in title.lower()).split())
    return Publication(
        title, body, f"https://{rng.choice(_SITES)}/{rng.randrange(10**6):06}/{slug}"
    )


def retitled(article: Publication, wording: Wording, rng: random.Random) -> Publication:
    """Put another headline above a text."""
    return replace(article, title=rng.choice(wording.titles).format(title=article.title))


def with_byline(article: Publication, wording: Wording, rng: random.Random) -> Publication:
    """Put an author or a place before a text; agencies write the place into its first line."""
    byline = rng.choice(wording.bylines)
    gap = " " if byline.endswith(("-", "–", "—")) else "\n\n"
    return replace(article, body=f"{byline}{gap}{article.body}")


def with_credit(article: Publication, wording: Wording, rng: random.Random) -> Publication:
    """Put an agency's credit after a text."""
    return replace(article, body=f"{article.body}\n\n{rng.choice(wording.credits)}")


def with_footer(article: Publication, wording: Wording, rng: random.Random) -> Publication:
    """Put a site's boilerplate after a text, of 45 to 60 words."""
    return replace(article, body=f"{article.body}\n\n{rng.choice(wording.footers)}")


def with_intro(article: Publication, wording: Wording, rng: random.Random) -> Publication:
    """Let the site that republishes a text say why, of 35 to 50 words."""
    return replace(article, body=f"{rng.choice(wording.intros)}\n\n{article.body}")


def with_captions(article: Publication, wording: Wording, rng: random.Random) -> Publication:
    """Put captions of pictures between the paragraphs."""
    lines = rng.sample(wording.captions, rng.randint(1, 3))
    return replace(article, body=edits.with_lines_between(article.body, lines, rng))


def with_links(article: Publication, wording: Wording, rng: random.Random) -> Publication:
    """Put "read more" lines between the paragraphs."""
    lines = rng.sample(wording.read_more, rng.randint(1, 3))
    return replace(article, body=edits.with_lines_between(article.body, lines, rng))


def in_a_frame(article: Publication, wording: Wording, rng: random.Random) -> Publication:
    """Put everything around a text that a site has."""
    for change in (with_captions, with_links, with_byline, with_credit, with_footer):
        article = change(article, wording, rng)
    return article


def _same(article: Publication, _: Wording, __: random.Random) -> Publication:
    return article


def _edited(rate: float) -> Change:
    def change(article: Publication, wording: Wording, rng: random.Random) -> Publication:
        return replace(article, body=edits.with_words_edited(article.body, rate, wording, rng))

    return change


def _cut(share: float) -> Change:
    def change(article: Publication, _: Wording, __: random.Random) -> Publication:
        return replace(article, body=edits.cut_to(article.body, share))

    return change


def _by(edit: Callable[..., str], *names: str) -> Change:
    """Make a change of an edit of the body which takes the wording, the generator, both or none."""

    def change(article: Publication, wording: Wording, rng: random.Random) -> Publication:
        given = {"wording": wording, "rng": rng}
        return replace(article, body=edit(article.body, **{name: given[name] for name in names}))

    return change


def _all(*changes: Change) -> Change:
    def change(article: Publication, wording: Wording, rng: random.Random) -> Publication:
        for each in changes:
            article = each(article, wording, rng)
        return article

    return change


COPIES: Final[Mapping[str, Kind]] = {
    "exact": Kind(_same),
    "url_twin": Kind(_same),
    "retitled": Kind(retitled),
    "byline": Kind(with_byline),
    "agency_credit": Kind(_all(with_byline, with_credit)),
    "footer": Kind(with_footer),
    "intro": Kind(with_intro, 100),
    "captions": Kind(with_captions),
    "read_more": Kind(with_links),
    "in_a_frame": Kind(in_a_frame, 120),
    "last_paragraph_cut": Kind(_by(edits.without_last_paragraph)),
    "lead_cut": Kind(_by(edits.without_lead)),
    "lead_replaced": Kind(_all(_by(edits.without_lead), with_intro), 220),
    "lead_and_end_cut": Kind(_all(_cut(0.75), _by(edits.without_lead)), 150),
    "cut_60": Kind(_cut(0.6), 100),
    "cut_40": Kind(_cut(0.4), 130),
    "cut_30": Kind(_cut(0.3), 170),
    "sentences_cut": Kind(_by(partial(edits.without_some_sentences, share=0.15), "rng")),
    "edited_2": Kind(_edited(0.02)),
    "edited_5": Kind(_edited(0.05)),
    "edited_8": Kind(_edited(0.08)),
    "edited_10": Kind(_edited(0.10)),
    "house_style": Kind(_by(edits.in_house_style, "wording")),
    "reordered": Kind(_by(edits.reordered, "rng")),
    "rejoined": Kind(_by(edits.rejoined, "wording", "rng")),
    "noise": Kind(_by(partial(edits.with_noise, rate=0.03), "rng")),
    "markup": Kind(_by(edits.with_markup, "wording", "rng")),
    "cut_edited_retitled": Kind(_all(_cut(0.75), _edited(0.04), retitled, with_byline), 100),
}
"""What a second site does with a text and still has the same text."""

DISTANT: Final[Mapping[str, Kind]] = {
    "edited_18": Kind(_edited(0.18)),
    "edited_25": Kind(_edited(0.25)),
    "edited_35": Kind(_edited(0.35)),
}
"""So many words changed that it is a rewrite. Between 11 and 17 % nobody could say."""

DRESSES: Final[tuple[Change, ...]] = (_same, retitled, with_byline, with_credit, with_captions)
"""What may be put around either text of a pair without a difference to what the two are."""
