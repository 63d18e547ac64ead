"""Text that was read in another encoding than it was written in: repaired, or counted.

"itâ€™s" is UTF-8 that somebody read as Windows-1252. `ftfy` undoes such readings, even repeated
ones. It needs a millisecond for an article, so a look at the rare characters decides first whether
it is asked.
"""

import re
from itertools import pairwise
from typing import Final

_MOST_LINES: Final = 5_000
"""A text of more lines is repaired at once."""

_MOST_DAMAGED: Final = 150_000
"""Characters of the lines that look damaged: `ftfy` needs two seconds for a million, no article has
so many, and a text with more stays as it is."""

_MOST_WORDS: Final = 10_000
"""The words of a longer line are not looked at one by one."""

_ASCII: Final = bytes(range(128))

# Looked for in a text's other characters alone: how the first bytes of UTF-8 look in common
# encodings, and controls; or Western letters before what does not follow them in words.
_SUSPICIOUS = re.compile(
    r"[\x80-\x9fÂÃÄÅÎÏÐÑØÙâãðĂăĐđĹРСвГ√‚Γ├┬\ufffd]|[à-ï][\xa1-\xbf€†‡ˆ‰Š‹ŒŽ•˜š›œž]"
)
# Who reads four digits after "\u" makes "\u1f4f" and "7" of the emoji U+1F4F7.
_HALF_EMOJI = re.compile(r"([\u1f1e-\u1f9f])([0-9a-f])")
_GREEK = re.compile(r"[α-ω]")
# Dashes and dots of UTF-8, read as Windows-1252, whose last character became plain ASCII later.
_FLATTENED = re.compile(r"â(?:\x80|€)([\"'|])")
# The end of a quotation that lost its last byte, which no encoding for the West has a letter for.
_QUOTATION_END = re.compile(r"(?<=[\w.,;:!?…%)])â€(?=[\s.,;:!?)\]]|\Z)")
_TRADE_MARK = re.compile(r"â\"¢")
_MEANT_BY_FLATTENED: Final = {'"': "—", "'": "-", "|": "…"}
# Controls that were punctuation in Windows-1252; the others are letters there, or line breaks here.
_MEANT_BY_CONTROLS: Final = {0x80: "€", 0x99: "™"} | dict(
    zip(range(0x91, 0x98), "‘’“”•–—", strict=True)
)
# A capital before the end of a quotation, whose beginning was read well: “IRMÃ”.
_QUOTED_CAPITAL = re.compile(r"(?<![ÂÃâ€])[“„][^“”„]*[ÂÃÎÐ](?=”(?!\w))")
# Portuguese words in capitals, before what makes two bytes of UTF-8 with their last letter, such as
# “IRMÃ–”. With £ and ƒ these would be the same word, as well.
_PORTUGUESE = re.compile(
    r"\b(?:AFEG|ALDE|ALEM|AMANH|AMSTERD|ANCI|AN|ARTES|AVEL|CAMPE|CAPIT|CHARLAT|CIDAD|CIRURGI|CRIST"
    r"|DIV|ESCRIV|ESPI|GUARDI|HORTEL|IM|IR|IRM|MAÇ|MANH|ORTEL|ÓRF|PAG|ROM|SAT|SULT|SUTI|TALISM"
    r"|TECEL|TEER|VIL)Ã(?=[^\w\s£ƒ‚\x80-\x9f]|[ºª²³¹])"
)
# A letter of another script in the middle of a Latin word.
_FOREIGN = re.compile(r"[A-Za-zÀ-ʯ][\u0590-\u1cff\u3000-\ud7ff]")
# Without those that are bytes of UTF-8, too.
_BLANKS = re.compile(r"([^\S\x80-\xa0]+)")
_CONTROLS_ALONE = re.compile(r"[\x00-\x9f]*")
_DAMAGE = re.compile(
    r"\ufffd|Ã[\x80-\xbf©¨¡³±¼¶¤]|â(?:\x80|€)[™œ\x98-\x9d\u201c\u201d\u02dc¦”“]|Â[\xa0-\xbf]"
)


def repaired(text: str) -> str:
    """Return a text whose wrongly read characters are what they were when it was written.

    Each line is judged for itself, so a damaged one never makes a good one suffer. What is lost for
    good, such as U+FFFD, stays as it is.
    """
    if text.isascii():
        return text
    if not _GREEK.search(_rare(text)):
        text = _HALF_EMOJI.sub(lambda half: chr(16 * ord(half[1]) + int(half[2], 16)), text)
    if not _looks_damaged(text):
        return text
    lines = text.split("\n") if text.count("\n") <= _MOST_LINES else [text]
    damaged = [at for at, line in enumerate(lines) if _looks_damaged(line)]
    if sum(len(lines[at]) for at in damaged) > _MOST_DAMAGED:
        return text
    for at in damaged:
        lines[at] = _repaired_line(lines[at])
    return "\n".join(lines)


def damage(text: str) -> int:
    """Count the broken characters that a repaired text still has."""
    return 0 if text.isascii() else len(_DAMAGE.findall(_PORTUGUESE.sub("", text)))


def _rare(text: str) -> str:
    """The characters of a text that are not ASCII."""
    return text.encode("utf-8", "replace").translate(None, _ASCII).decode()


def _looks_damaged(text: str) -> bool:
    return not text.isascii() and _SUSPICIOUS.search(_rare(text)) is not None


def _repaired_line(line: str) -> str:
    if not _CONTROLS_ALONE.fullmatch(line):
        line = _TRADE_MARK.sub("™", _QUOTATION_END.sub("”", line))
        line = _FLATTENED.sub(lambda flat: _MEANT_BY_FLATTENED[flat[1]], line)
        ends = [quoted.end() for quoted in _QUOTED_CAPITAL.finditer(line)]
        line = "".join(_fixed(line[start:end]) for start, end in pairwise([0, *ends, len(line)]))
    return line.translate(_MEANT_BY_CONTROLS)


def _fixed(text: str) -> str:
    """A text as `ftfy` reads it, but for the words of which it makes something that is none."""
    # Importing it takes longer than most runs have use for it.
    from ftfy import fix_encoding

    fixed = fix_encoding(text, fix_c1_controls=False)
    if fixed == text or not (_PORTUGUESE.search(text) or _FOREIGN.search(fixed)):
        return fixed
    parts = _BLANKS.split(text)
    if len(parts) > _MOST_WORDS:
        return fixed
    words = [(part, fix_encoding(part, fix_c1_controls=False)) for part in parts]
    certain = any(
        word != new and not (_PORTUGUESE.search(word) or _FOREIGN.search(new))
        for word, new in words
    )
    return "".join(
        word if _FOREIGN.search(new) or (_PORTUGUESE.search(word) and not certain) else new
        for word, new in words
    )
