"""What a site says to its visitors before an article begins, and isn't part of it.

Consent to cookies, requests to those who block advertising, hints about browsers: scrapers take
them along, often on the line on which the article begins. They name advertising and personal data,
so that an article about anything else would pass for one about marketing.
"""

import re
from typing import Final

COOKIES_BESIDE: Final = re.compile(
    r"cookie|consent|privacy|partners|personal data|preferences|identifiers|vendors|advertising"
    r"|browsing",
    re.IGNORECASE,
)
"""What the further sentences of a notice about cookies speak of."""

TO_READERS: Final = re.compile(
    r"\b(?:we|our|(?-i:us|Us)|you|your|please|click|accept|reject|manage)\b", re.IGNORECASE
)
"""Sites speak to their readers of themselves, reports of both don't."""

LEAST_TOLD: Final = 40
"""Words that a short text must have beside a notice of its site to be an article with a notice."""

_MOST_SENTENCES: Final = 30
_SENTENCE = re.compile(r"[^.!?\n]+(?:[.!?]+[ ]*|(?=\n)|\Z)|[.!?]+[ ]*|\n+")

_SITE: Final = r"(?:this|our) (?:web ?)?(?:site|page)s?"
_WE_AND_PARTNERS: Final = (
    r"we(?:,? (?:and|along with|together with))? (?:our |selected )?(?:\w+ ){0,2}"
    r"(?:partners|vendors|advertisers)\b"
)
_DATA: Final = (
    r"(?:cookies?\b|on (?:a|your) device\b|device scanning\b|personal (?:data|information)\b"
    r"|your (?:data|consent|choices|preferences)\b)"
)
_NOTICE = re.compile(
    "|".join(
        (
            # consent
            r"we value your privacy\b(?=\W*\Z|,| and\b)",
            r"your privacy (?:is important|matters) to us\W*\Z",
            rf"{_SITE} (?:uses?|(?:is|are) using|requires?) (?:\w+ ){{0,3}}cookies\b",
            r"(?:with your (?:permission|consent|agreement),? )?"
            rf"{_WE_AND_PARTNERS}.{{0,200}}{_DATA}",
            r"the technical storage or access\b",
            r"we (?:use|are using|store) (?:\w+ ){0,4}cookies\b.{0,120}\byour?\b",
            rf"(?:by|if you) (?:using|continu(?:e|ing)|brows(?:e|ing)|visiting|clicking|accepting"
            rf"|closing)\b.{{0,120}}\b(?:cookies?\b|cookie policy\b|{_SITE})",
            # what blocks advertising
            r"(?:we(?:['\u2019]ve| have)? (?:noticed|detected|see)|it (?:looks|seems|appears)"
            r"|looks like|you (?:are|appear|seem)|you['\u2019]re)\b.{0,60}\bad[- ]?block",
            r"(?:please )?(?:consider )?(?:disable|disabling|turn(?:ing)? off|switch(?:ing)? off"
            r"|whitelist(?:ing)?)\b.{0,60}\b(?:ad[- ]?block|our (?:web ?)?site)",
            # browsers
            r"(?:you (?:need|must) (?:to )?|please )?(?:enable|activate|allow|turn on) java ?script"
            r"\b(?=.{0,80}\b(?:your|this|our|site|page|browser)\b|\W*\Z)",
            r"java ?script (?:is|must be|needs to be|has to be) (?:currently )?(?:disabled|required"
            r"|enabled|turned off)\b(?=\W*\Z| (?:in|on) (?:your|this) )",
            r"your browser (?:does(?: not|n['\u2019]t) support|is (?:not supported|out of date"
            r"|outdated|no longer supported))\b",
        )
    ),
    re.IGNORECASE,
)
_BUTTON = re.compile(
    r"(?:(?:learn|read|find out) more|(?:i )?(?:accept|agree|reject)(?: all)?|got it|ok|close"
    r"|continue|manage (?:options|preferences|settings)|cookie (?:policy|settings))\b"
    r"(?:\W*(?=\n)| (?=(?:(?:learn|read|find out) more|accept|reject|manage)\b)|(?<=more) )",
    re.IGNORECASE,
)
_NAMED_BUTTON = re.compile(
    r"[\"\u201c](?:accept|reject|manage|allow|ok|i agree)\b[\w ]{0,20}[\"\u201d]", re.IGNORECASE
)
_REPORTED = re.compile(
    r"[\"\u201c\u201d]|\b(?:said|says|told|wrote|asked|reads|announced|according"
    r"|tells?|launch\w*|warn\w*|report\w*|agreed)\b",
    re.IGNORECASE,
)
_BESIDE = re.compile(
    rf"{COOKIES_BESIDE.pattern}|\bad[- ]?block|\bwhitelist|java ?script|\bopt[- ]?out|\bok with th",
    re.IGNORECASE,
)


def after_notices(text: str, start: int) -> int:
    """Return where a text goes on behind the notices at `start`, if there are some."""
    end, begun, within = start, False, False
    for _ in range(_MOST_SENTENCES):
        sentence = _SENTENCE.match(text, end)
        if sentence is None:
            break
        told = sentence[0].strip(".!? \n")
        if begun and (button := _BUTTON.match(text, end)):
            end = button.end()
        elif _is_notice(told, within=within):
            begun, within, end = True, True, sentence.end()
        elif begun and not told:
            # What only speaks of the same may be the article, in a paragraph of its own.
            within, end = within and "\n" not in sentence[0], sentence.end()
        else:
            break
    return end if begun else start


def _is_notice(sentence: str, *, within: bool) -> bool:
    """Whether a sentence is one of a notice; some are so only `within` one's paragraph."""
    if _REPORTED.search(_NAMED_BUTTON.sub("", sentence)):
        return False
    if _NOTICE.match(sentence):
        return True
    return bool(within and _BESIDE.search(sentence) and TO_READERS.search(sentence))
