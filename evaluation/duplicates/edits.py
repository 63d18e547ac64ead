"""What editors, sites and machines do to the body of a text; each edit is a function of its own.

A body is paragraphs with a blank line between them. Nothing here changes a number or a name.
"""

import random
import re
from collections.abc import Sequence

from evaluation.duplicates.wordings import Wording

_SENTENCE_END = re.compile(r"(?<=[.!?][\"”»]) +(?=[A-ZÀ-Ý¿¡«„“\"])|(?<=[.!?]) +(?=[A-ZÀ-Ý¿¡«„“\"])")
_TOKEN = re.compile(r"(\s+)")
_PLAIN_WORD = re.compile(r"^[a-zà-ÿ]+[.,;:]?$")
_CUT_TOLERANCE = 0.04
"""A cut falls on the end of a sentence where one is this near, as a share of the text."""

_LOOKALIKES = (("rn", "m"), ("l", "1"), ("fi", "ﬁ"), ("e", "c"), ("o", "0"), ("ä", "a"), ("é", "e"))
_MOJIBAKE = {"“": "â€œ", "”": "â€\u009d", "’": "â€™", "'": "â€™", "—": "â€”", "é": "Ã©", "ü": "Ã¼"}


def paragraphs(body: str) -> list[str]:
    """Return the paragraphs of a body."""
    return body.split("\n\n")


def body_of(parts: Sequence[str]) -> str:
    """Return the body that consists of some paragraphs."""
    return "\n\n".join(parts)


def sentences(paragraph: str) -> list[str]:
    """Return the sentences of a paragraph."""
    return _SENTENCE_END.split(paragraph)


def with_words_edited(body: str, rate: float, wording: Wording, rng: random.Random) -> str:
    """Substitute, delete or insert words, spread over the text, `rate` of its words in all."""
    tokens = _TOKEN.split(body)
    total = len(body.split())
    plain = [at for at, token in enumerate(tokens) if _PLAIN_WORD.match(token)]
    for at in rng.sample(plain, min(len(plain), round(rate * total))):
        tokens[at] = _edited(tokens[at], wording, rng)
    lines = (" ".join(line.split(" ")) for line in "".join(tokens).split("\n"))
    return "\n".join(re.sub(r" +", " ", line).strip() for line in lines)


def without_last_paragraph(body: str) -> str:
    """Leave out the last paragraph."""
    return body_of(paragraphs(body)[:-1])


def without_lead(body: str) -> str:
    """Leave out the first paragraph."""
    return body_of(paragraphs(body)[1:])


def cut_to(body: str, share: float) -> str:
    """Keep the first words of a text, `share` of them; at the end of a sentence if one is near."""
    ends = [match.end() for match in re.finditer(r"\S+", body)]
    wanted = round(share * len(ends))
    slack = round(_CUT_TOLERANCE * len(ends))
    for distance in range(slack + 1):
        for count in (wanted - distance, wanted + distance):
            if body[: ends[count - 1]].endswith((".", "!", "?", ".”", ".»", '."')):
                return body[: ends[count - 1]]
    return body[: ends[wanted - 1]] + " …"


def without_some_sentences(body: str, share: float, rng: random.Random) -> str:
    """Leave out sentences here and there, not the first one, `share` of all."""
    places = [
        (which, at)
        for which, paragraph in enumerate(paragraphs(body))
        for at in range(len(sentences(paragraph)))
    ]
    dropped = set(rng.sample(places[1:], max(1, round(share * len(places)))))
    kept = [
        " ".join(
            sentence
            for at, sentence in enumerate(sentences(paragraph))
            if (which, at) not in dropped
        )
        for which, paragraph in enumerate(paragraphs(body))
    ]
    return body_of([paragraph for paragraph in kept if paragraph])


def in_house_style(body: str, wording: Wording) -> str:
    """Write a text as another house does: spelling, units, quotation marks, dates."""
    for old, new in wording.house_style:
        body = body.replace(old, new)
    month = "|".join(wording.months)
    dates = re.compile(
        re.escape(wording.day_first)
        .replace(r"\{day\}", r"(?P<day>\d{1,2}\.?)")
        .replace(r"\{month\}", f"(?P<month>{month})")
    )
    body = dates.sub(
        lambda match: wording.month_first.format(day=match["day"], month=match["month"]), body
    )
    body = re.sub(r'"([^"\n]*)"', r"“\1”", body)
    return body.replace("'", "’")


def reordered(body: str, rng: random.Random) -> str:
    """Put the paragraphs after the first into another order."""
    first, *rest = paragraphs(body)
    shuffled = rest[:]
    while shuffled == rest:
        rng.shuffle(shuffled)
    return body_of([first, *shuffled])


def rejoined(body: str, wording: Wording, rng: random.Random) -> str:
    """Make one sentence of two, two of one, and other paragraphs."""
    parts = [sentence for paragraph in paragraphs(body) for sentence in sentences(paragraph)]
    changed: list[str] = []
    for sentence in parts:
        if changed and rng.random() < 0.15 and changed[-1].endswith("."):
            changed[-1] = f"{changed[-1][:-1]}; {sentence}"
        elif rng.random() < 0.5:
            changed.append(_split(sentence, wording))
        else:
            changed.append(sentence)
    size = rng.randint(1, 3)
    return body_of([" ".join(changed[at : at + size]) for at in range(0, len(changed), size)])


def with_lines_between(body: str, lines: Sequence[str], rng: random.Random) -> str:
    """Put lines (captions, links, adverts) between the paragraphs."""
    parts = paragraphs(body)
    for line in lines:
        parts.insert(rng.randint(1, len(parts)), line)
    return body_of(parts)


def with_noise(body: str, rate: float, rng: random.Random) -> str:
    """Damage `rate` of the words as scanning and wrong encodings do; words keep their places."""
    tokens = _TOKEN.split(body)
    words = [at for at, token in enumerate(tokens) if _PLAIN_WORD.match(token) and len(token) > 3]
    for at in rng.sample(words, min(len(words), max(1, round(rate * len(tokens) / 2)))):
        tokens[at] = _damaged(tokens[at], rng)
    # A wrong encoding shows at every quotation mark of a sentence or two, not once a page.
    parts = paragraphs("".join(tokens))
    at = rng.randrange(len(parts))
    parts[at] = "".join(_MOJIBAKE.get(letter, letter) for letter in parts[at])
    return body_of(parts)


def with_markup(body: str, wording: Wording, rng: random.Random) -> str:
    """Leave tags, entities and scraps of scripts in a text."""
    parts = [f"<p>{paragraph.replace('&', '&amp;')}</p>" for paragraph in paragraphs(body)]
    words = parts[0].split(" ")
    at = rng.randrange(1, max(2, len(words) - 3))
    words[at : at + 2] = [f'<a href="https://tag.example/x">{" ".join(words[at : at + 2])}</a>']
    parts[0] = " ".join(words)
    for crumb in rng.sample(wording.crumbs, min(3, len(wording.crumbs))):
        parts.insert(rng.randint(0, len(parts)), crumb)
    return body_of(parts)


def quoting(body: str, earlier: str, share: float, rng: random.Random) -> str:
    """Append sentences in a row from an earlier text, at most `share` of it."""
    parts = [part for paragraph in paragraphs(earlier) for part in sentences(paragraph)]
    most = share * len(earlier.split())
    start = rng.randrange(max(1, len(parts) // 3))
    quoted: list[str] = []
    for sentence in parts[start:]:
        if len(" ".join([*quoted, sentence]).split()) > most:
            break
        quoted.append(sentence)
    return body_of([*paragraphs(body), " ".join(quoted)]) if quoted else body


def _edited(token: str, wording: Wording, rng: random.Random) -> str:
    mark = token[-1] if token[-1] in ".,;:" else ""
    word = token.removesuffix(mark)
    chance = rng.random()
    if chance < 0.25:
        return mark
    if chance < 0.5:
        return f"{rng.choice(wording.fillers)} {token}"
    return rng.choice(wording.synonyms.get(word, wording.fillers)) + mark


def _damaged(word: str, rng: random.Random) -> str:
    if rng.random() < 0.3 and len(word) > 6:
        middle = len(word) // 2
        return f"{word[:middle]}-\n{word[middle:]}"
    for old, new in rng.sample(_LOOKALIKES, len(_LOOKALIKES)):
        if old in word:
            return word.replace(old, new, 1)
    return word[:-1]


def _split(sentence: str, wording: Wording) -> str:
    for joint in wording.joints:
        before, found, after = sentence.partition(joint)
        # Not within a quotation, where the marks would no longer match.
        if found and len(before.split()) > 4 and len(after.split()) > 4 and before.count('"') != 1:
            opening = joint.strip(",; ")
            rest = f"{opening.capitalize()} {after}" if opening else after[0].upper() + after[1:]
            return f"{before}. {rest}"
    return sentence
