"""Where an article's own text begins and ends, between what its site wraps around it.

Agency credits, syndication notes, lines to subscribe or share, lists of further links: they say
nothing of the article's subject, and differ between copies of one text. Lines are taken off both
ends as long as a rule knows them, or a table of the lines that recur at the source. What a rule
isn't sure of stays: wrapping that was missed costs less than text that was lost.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Set
from functools import lru_cache
from itertools import islice
from typing import Final, Literal, NamedTuple

Place = Literal["start", "end"]

METHOD: Final = "wrapping-4"
"""Names the rules below: whoever changes them changes it, too."""

LEAST_OWN_WORDS: Final = 12
"""Where less would be left, the wrapping is all there is, and counts as the text."""

MOST_LINES: Final = 40
"""Lines at an end that are looked at."""

MOST_LENGTH: Final = 400
"""Characters of a line; a longer one is a paragraph of an article."""

_LINES_KEPT: Final = 4_000
MOST_ASIDE_LENGTH: Final = 600
"""Characters of a line in the middle of a text that may be an aside."""

LEAST_RECURRENCES: Final = 5
MOST_TITLE_SHARE: Final = 0.34
"""A line recurs at a source if at least `LEAST_RECURRENCES` of its articles have it at that end,
and no word stands in more than this share of their titles: what is told again and again of one
event is background, not wrapping."""


class Span(NamedTuple):
    """Where the own text of a body begins and ends, in characters."""

    start: int
    end: int

    def of(self, body: str) -> str:
        """The own text of the body."""
        return body[self.start : self.end]


Known = Mapping[Place, Set[str]]
"""The lines that recur at a source, as `line_key` gives them, by the end at which they do."""

NOTHING_KNOWN: Final[Known] = {"start": frozenset(), "end": frozenset()}


def own_span(body: str, known: Known = NOTHING_KNOWN) -> Span:
    """Find the article's own text in a cleaned body.

    Args:
        body: the cleaned body.
        known: what is known to recur at the article's source.
    """
    start, end = _start(body, known["start"]), _end(body, known["end"])
    if start >= end or len(body[start:end].split(maxsplit=LEAST_OWN_WORDS)) < LEAST_OWN_WORDS:
        return Span(0, len(body))
    return Span(start, end)


@lru_cache(_LINES_KEPT)
def is_aside(line: str) -> bool:
    """Whether a line says nothing of its article's subject, wherever in the text it stands.

    That are captions of pictures, players, posts of others that are shown in between, bare dates,
    and what `own_span` takes off the ends.
    """
    line = line.strip()
    if not line or len(line) > MOST_ASIDE_LENGTH:
        return not line
    if _ASIDE.search(line) or _DATE_ALONE.fullmatch(line):
        return True
    return _is_wrapping(line, _AT_START, frozenset()) or _is_wrapping(line, _AT_END, frozenset())


def line_key(line: str) -> str:
    """What makes lines the same: their letters without case, whatever their numbers."""
    return _NUMBER.sub("0", " ".join(line.casefold().split()))


def recurring_lines(articles: Iterable[tuple[str, str]]) -> dict[Place, dict[str, int]]:
    """Find the lines that recur at the ends of one source's articles.

    Args:
        articles: title and cleaned body of each.

    Returns:
        For both ends the lines as `line_key` gives them, and how many articles have each.
    """
    # What has its longest line in common is one article, however often the site shows it.
    once = {
        max(body.split("\n"), key=lambda line: (len(line), line)): (title, body)
        for title, body in sorted(articles)
    }
    titles: dict[tuple[Place, str], list[frozenset[str]]] = {}
    for title, body in once.values():
        words = frozenset(_TITLE_WORD.findall(title.casefold()))
        lines = [line_key(line.text) for line in _lines(body)]
        edge = min(_EDGE_LINES, len(lines) // 2)
        ends: dict[Place, list[str]] = {"start": lines[:edge], "end": lines[len(lines) - edge :]}
        for place, keys in ends.items():
            for key in set(keys):
                if len(key) <= MOST_LENGTH and not _DATE_WORDS.issuperset(_LETTERS.findall(key)):
                    titles.setdefault((place, key), []).append(words)
    found: dict[Place, dict[str, int]] = {"start": {}, "end": {}}
    for (place, key), occurrences in titles.items():
        count = len(occurrences)
        if count >= LEAST_RECURRENCES and _most_common(occurrences) <= MOST_TITLE_SHARE * count:
            found[place][key] = count
    return found


def _most_common(sets: Iterable[frozenset[str]]) -> int:
    return max(Counter(word for words in sets for word in words).values(), default=0)


class _Line(NamedTuple):
    """A line that holds something, and where it is in its body."""

    start: int
    end: int
    text: str


def _lines(body: str) -> Iterator[_Line]:
    start = 0
    while start < len(body):
        end = body.find("\n", start)
        end = len(body) if end < 0 else end
        if text := body[start:end].strip():
            yield _Line(start, end, text)
        start = end + 1


def _lines_from_end(body: str) -> Iterator[_Line]:
    end = len(body)
    while end > 0:
        start = body.rfind("\n", 0, end) + 1
        if text := body[start:end].strip():
            yield _Line(start, end, text)
        end = start - 1


def _start(body: str, known: Set[str]) -> int:
    start = 0
    for line in islice(_lines(body), MOST_LINES):
        start = line.start
        if not _is_wrapping(line.text, _AT_START, known):
            break
    dateline = _DATELINE.match(body, start)
    return dateline.end() if dateline else start


def _end(body: str, known: Set[str]) -> int:
    end = len(body)
    lines = list(islice(_lines_from_end(body), MOST_LINES))
    at = 0
    while at < len(lines):
        text = lines[at].text
        if _is_wrapping(text, _AT_END, known):
            at += 1
            end = lines[at].end if at < len(lines) else lines[at - 1].start
            continue
        if (cut := _before_credit(text)) < len(text):
            return lines[at].start + cut
        below = _links_below_heading(lines, at)
        if below is None:
            return lines[at].end
        at = below + 1
        end = lines[below].start
    return end


def _links_below_heading(lines: list[_Line], at: int) -> int | None:
    """The line that heads the list of links which ends here, by its number."""
    for number in range(at, len(lines)):
        text = lines[number].text
        if number > at and _HEADING.fullmatch(text):
            return number
        if len(text) > _LONGEST_LINK or text.endswith((".", ",", '"', "\u201d")):
            return None
    return None


def _before_credit(text: str) -> int:
    """Where, in the last line of a text, the credit in brackets or after a dash begins."""
    tail_at = max(0, len(text) - MOST_LENGTH)
    tail = text[tail_at:]
    if tail.rstrip(" .").endswith((")", "]")):
        for opening in re.finditer(r"[(\[]", tail):
            if _CREDIT.fullmatch(tail, opening.start()):
                return len(text[: tail_at + opening.start()].rstrip())
    found = _SIGNATURE.search(text, max(0, len(text) - 40))
    return len(text[: found.start()].rstrip()) if found else len(text)


def _is_wrapping(line: str, rules: re.Pattern[str], known: Set[str]) -> bool:
    if len(line) > MOST_LENGTH:
        return False
    if known and line_key(line) in known:
        return True
    if _RULER.fullmatch(line) or _is_sharing(line.casefold()):
        return True
    return bool(_ANYWHERE.match(line) or rules.match(line)) and not _tells(line)


def _tells(line: str) -> bool:
    """Whether a line that begins like wrapping tells something: "Sign up today was all it said"."""
    if _WHOLE.match(line) or _WHOLE_AT_END.match(line):
        return False
    first, *others = _SENTENCE_END.split(line)
    if _NOTE.match(first):
        first = _BE.sub("", first)
    if _REPORTED.search(line) or _PREDICATE.search(first) or _FINITE.search(first):
        return True
    return any(_FINITE.search(other) and not _TO_READERS.search(other) for other in others)


def _is_sharing(lower: str) -> bool:
    """Whether a line is made of the words on buttons: "Share Tweet Email 12"."""
    words = _BUTTON_WORD.findall(lower)
    return (
        0 < len(words) <= 16
        and not lower.endswith(".")
        and not _BUTTONS_ONLY.isdisjoint(words)
        and all(word in _BUTTONS or word.isdigit() or _GLUED.fullmatch(word) for word in words)
    ) or (len(words) == 1 and _GLUED.fullmatch(words[0]) is not None)


_EDGE_LINES: Final = 12
"""Lines at an end of an article, at most half of them, in which to look for what recurs."""

_LONGEST_LINK: Final = 140
_NUMBER = re.compile(r"\d+")
_TITLE_WORD = re.compile(r"[^\W\d_]{4,}")
_LETTERS = re.compile(r"[^\W\d_]+")
_DATE_WORDS: Final = frozenset(
    re.findall(
        r"\w+",
        "january february march april may june july august september october november december jan "
        "feb mar apr jun jul aug sep sept oct nov dec monday tuesday wednesday thursday friday "
        "saturday sunday mon tue wed thu fri sat sun am pm at on gmt utc edt est ist bst h",
    )
)
_RULER = re.compile(r"[\W_]+")
_BUTTON_WORD = re.compile(r"[^\W_]+")

_BUTTONS_ONLY: Final = frozenset(
    re.findall(
        r"\w+",
        "facebook twitter tweet tweets pinterest linkedin google whatsapp reddit telegram tumblr "
        "instagram flipboard stumbleupon digg viber share shares shared email print comments rss "
        "messenger",
    )
)
_BUTTONS: Final = _BUTTONS_ONLY | frozenset(
    re.findall(
        r"\w+",
        "plus e mail app connect comment more save pin it copy link like follow via on this post "
        "article story page by k or to youtube sms send related with friends a friend and us",
    )
)
_GLUED = re.compile(
    r"(?:connect|tweet|linkedin|comment|email|more|facebook|twitter|pinterest|google|share){2,}+"
)

_AGENCY: Final = (
    r"(?:the )?(?:thomson )?(?:reuters|associated press|ap|afp|agence france[- ]presse|ians|pti"
    r"|ani|"
    r"upi|uni|dpa|xinhua|bernama|bloomberg|press association|aap|efe|ansa|kyodo|jiji|tass|interfax|"
    r"cna|cmc|cnn|mcclatchy|tribune news service|tns|(?:the )?canadian press|press trust of india|"
    r"indo-asian news service|agencies)"
)
_AGENCIES: Final = rf"{_AGENCY}(?:(?: ?[/,&|-] ?| and ){_AGENCY})*"
_THIS: Final = r"(?:this|the above|above) (?:story|article|report|post|copy|piece|news item)"

_COPYRIGHT: Final = (
    r"(?:tm )?(?:& |and )?(?:©|\(c\) ?\d|copyright (?:©|\(c\)|\d{4}|by|the associated press))"
    r"(?![\d ]*(?!(?:all|by|the)\b)(?-i:[a-z]))"
)
# What stands between the names in a credit; any other word in lower case makes it a sentence.
_NAMES: Final = (
    r"(?!.*?(?<![\w'’.@/&-])(?!(?:additional|also|agenc\w+|and|article|at|bureau|business|by"
    r"|cameraman|columnists?|compiled|contribut\w+|correspondents?|de|del|desk|di|du|edit\w+|el"
    r"|entertainment|for|foreign|freelance|from|in|journalists?|la|mail|newsroom|of|on|our|phone"
    r"|photographers?|political|producers?|report\w*|researchers?|senior|services?|special|sports"
    r"|staff|story|television|the|this|to|van|video|von|wires?|with|writ\w+|wrote)\b"
    r"|al-|bin\b|ibn\b|el-)(?-i:[a-z]))"
)

# What makes a line a sentence of its own, whose subject is neither the reader nor the site.
_TIES: Final = r"(?<!\byou )(?<!\bwe )(?<!\bthat )(?<!\bwho )(?<!\bwhich )(?<!\b[Ww]hat )"
_FINITE = re.compile(
    rf"{_TIES}\b(?:(?:is|was|were|did|does)(?:n['’]t)?|became|becomes|remains|remained|rose|fell|grew|drew"
    r"|draws|brought|brings|costs?|made|makes|meant|means|sold|sells|took|takes|gave|gives|got|gets"
    r"|came|comes|went|goes|led|leads|lost|loses|won|wins|paid|pays|kept|keeps|held|holds|stood"
    r"|stands|saw|sees|knew|knows|thought|thinks|felt|feels|ran|runs|began|begins|seems|seemed|works"
    r"|worked|helps|helped|fails|failed|shows|showed|sounds|looks|looked|needs|needed|belongs"
    r"|belonged|counts|counted|covers|covered|earns|earned|attracts|attracted|turns|turned"
    r"|says|said|tells|told|asks|asked|writes|wrote|warns|warned|argues|argued|ruled|adds|added"
    r"|protects|matters|applies|does|did|would|could"
    r"|[a-z]+ed (?:\d|the|an?|its|his|her|their|more|most|fewer|less|about|nearly|over|only|up|off"
    r"|out|when|because|after|before|that|how|why|it|them)\b)\b"
)
_PREDICATE = re.compile(rf"{_TIES}\b(?:are|ha[sd] (?:become|been|made|\w+ed)|found|will|should)\b")
_REPORTED = re.compile(
    r",[”\"’']?\s(?:[\w.’'-]+\s){0,5}(?:said|says?|told|tells?|found|finds?|wrote|writes?|ruled|begged"
    r"|(?:add|admit|advise|argue|ask|answer|believe|boast|claim|complain|decide|demand|explain|fear"
    r"|insist|joke|note|promise|reckon|reveal|suggest|warn)(?:s|d|ed|ted)?)\b"
    r"|, (?:but|yet|so|and (?:the|it|its|he|she|they|nobody|many|most|few|some|\d+))\s"
)
_TO_READERS = re.compile(
    r"\b(?:you|your|we|our|us|here|click|this (?:site|material|story|article|report)|be found"
    r"|work|I)\b",
    re.IGNORECASE,
)
_NOTE = re.compile(rf"\W*(?:except for the headline, |\w+ )?{_THIS}\b", re.IGNORECASE)
_BE = re.compile(r"\b(?:is|was|are|were|has|have|had)\b")
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+")


def _any(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{pattern})" for pattern in patterns), re.IGNORECASE)


# Each of these says by itself how the line ends, and may tell what it likes.
_WHOLE = _any(
    rf"{_NAMES}.*\bcontribut(?:ed|ing) (?:to this (?:report|story|article)|reporting)\b",
    r"(?:video loading video unavailable|sponsored content is written by .{0,60}\bwithout"
    r"|this field is required\.)(?!\w)",
)
_WHOLE_AT_END = _any(
    # further links
    r"(?:read more|read also|also read|see also|related(?: (?:story|article|link|news|stories))?|"
    r"recommended|watch(?: also| now| this)?|videos?|in pics|in pictures|gallery|listen|must read|"
    r"don't miss|more)\s*[:|»>]+\s*\S(?!.*[.!?]\s+\S).{2,200}(?<![.])\Z",
    r"originally (?:published|appeared) (?:on|in|at)\b.{1,60}? as ",
    # an author
    r"(?:[\w.'’-]+ ){0,12}(?:follow|contact|reach|e-?mail) (?:him|her|them)\b.{0,60}"
    r"(?:@|twitter|https?:| at [\[(+\d]).{0,120}\Z",
)
_ANYWHERE = _any(
    _WHOLE.pattern,
    # sharing and following
    r"(?:share|tweet|email|print) this(?: (?:story|article|post|page|on .*|with .*|via .*))?\W*\Z",
    r"(?:like|follow|find|join) (?:us|[\w ]{1,40}) on (?:facebook|twitter|instagram|google|youtube|"
    r"linkedin|snapchat|pinterest|whatsapp|telegram)\b"
    r"(?!,? (?:and )?(?:you|they|he|she|it|we|the|an?)\b"
    r"|\s(?!(?:and|at|by|for|follow|here|join|like|now|on|or|to|using|via|with)\b)(?-i:[a-z]))"
    r".{0,80}\Z",
    r"join the conversation\b.{0,80}\Z",
    # whose it is
    r".*\ball rights reserved(?:\W*\Z|\s*[^\w\s,])",
    r".*\bmaterial may not be published, broadcast",
    # subscribing
    r"(?=.*\b(?:sign[ -]?up|subscribe|get|want|receive|newsletter)\b)"
    r".*\b(?:directly|delivered|straight) to your inbox\b",
    r"(?:get|want) .{1,60} (?:to|in) your (?:inbox\b|e-?mail(?:[^\w\s-]"
    r"|\s(?:every|each|daily)\b|\Z))",
    r"(?:sign ?up|subscribe|register) (?:to|for|now|here|today|with)\b(?!.*\b(?:continue|keep"
    r"|unlock|"
    r"full|read|access)\b).*\b(?:newsletters?|e-?mails?|alerts|updates|briefing|channel|podcast|"
    r"digest)\b",
    r"(?:already|not) a (?:subscriber|member)\?(?:\W*\Z|\s+(?:please |click |tap |here )?(?:sign"
    r"|log|login|join|register|subscribe|activate|link|get|become|start|here|create|try|see|find|you)\b"
    r".{0,80}\Z)",
    r"(?:click here to |tap here to )?download (?:the |our )?[\w ,'’-]{0,40}\bapp\b"
    r"(?:\W*\Z|.{0,30}\b(?:to (?:get|stay|read|receive)|for (?:all|more|free|the latest)|here|now"
    r"|today|https?)\b)",
    r"stay (?:updated|up to date|connected|in touch|tuned)\b.{0,80}\b(?:app|newsletter|facebook|"
    r"twitter)\b",
    r"for (?:all )?(?:the )?latest [^,]{1,60}(?: |, ?)(?:follow|download|visit|click|like"
    r"|subscribe)\b",
    r"chat with us in facebook messenger\b",
    # advertising and a page's controls
    r"(?:advertise?ments?|advertising|sponsored|story continues below(?: advertisement)?|"
    r"article continues(?: below)?|scroll (?:down )?for more|loading|search|subscribe|sign ?up|"
    r"log ?in|close|embed|menu|next page|(?:show|view|read|leave|post|add)(?: all| an?| your)? "
    r"(?:comments?|reply)(?: \(?\d+\)?)?|comments? ?\(?\d*\)?|\d+ comments?|skip in skip.?|mail|"
    r"back to top|x|play video|watch video|photos?|videos?|gallery)[\W_]*\Z",
    # an agency alone on a line
    rf"[\W_]*(?:(?:source|agency|courtesy|with (?:inputs?|reports?|files) from|from|via)[:\s]+)?"
    rf"{_AGENCIES}[\W_]*\Z",
)
_DATED: Final = (
    r"(?:first )?(?:published|updated|posted|last updated|last modified|modified|created)\b"
    r"(?: (?:date|on|at|by))?[:\s].{0,12}\d(?!.*?, (?:the|an?|it|he|she|they)\b)[^.]{0,80}\Z"
)
_AT_START = _any(
    rf"{_COPYRIGHT}.{{0,60}}\Z",
    rf"(?:by|from) (?:{_AGENCIES}|(?-i:[A-Z][\w.'’-]+(?: (?:[A-Z][\w.'’-]*|de|van|von|al|bin"
    rf"|la)){{1,3}})"
    rf"(?:(?: and|,| &) (?-i:[A-Z][\w.'’-]+(?: [A-Z][\w.'’-]*){{1,3}})){{0,3}})"
    rf"(?:(?:,| in| for| \||/).{{0,50}}|[\s,|/-]+{_AGENCIES}.{{0,20}})?\Z",
    r"(?:image|photo|picture|pic|file photo|file image|representational image)s?"
    r"(?: (?:copyright|credit|source|caption|courtesy(?: of)?|by|via)\b(?:\W*(?-i:(?=[A-Z@\[\d]))"
    r"|\s*[:©]\s*)|\s*[:©]\s*(?:(?-i:(?=[A-Z@\[\d]))|(?:via|courtesy|supplied|file)\b)).{1,100}\Z",
    _DATED,
)
_HEADING = _any(
    r"(?:read (?:more|also|next|full story)|also read|see also|related(?: (?:articles?|stories"
    r"|news|"
    r"topics|content|coverage|links?|posts?|reading|videos?|items))?|more (?:stories|news"
    r"|headlines|"
    r"coverage|top stories|from (?:the web|around the web|our network|this section|us)|like this)|"
    r"recommended(?: (?:for you|stories|articles|reading|by outbrain))?|you (?:may"
    r"|might) (?:also )?"
    r"(?:like|be interested in)|trending(?: (?:now|right now|stories|topics|today))?|"
    r"most (?:read|popular|viewed|shared|commented)(?: (?:in|on) .{1,30}| stories| news"
    r"| articles)?|"
    r"top (?:news )?stories(?: today)?|today'?s top (?:stories|picks)|editors?'?s? picks?|up next|"
    r"(?:from )?around the web|promoted (?:stories|content|links)|sponsored (?:links|content"
    r"|stories)"
    r"|other (?:stories|news|links)|latest (?:news|stories|headlines|videos|updates)|"
    r"popular (?:stories|articles|now)|in other news|read more top news stories today|"
    r"what to read next|don'?t miss|tags)[\s:.…>»-]*\Z"
)
_AT_END = _any(
    _COPYRIGHT,
    r"(?:#[^#\n]{1,40}){2,}\Z",
    # who wrote and edited
    r"[\W_]*(?:additional |with (?:additional )?)?(?:reporting|editing|writing|edited|written"
    r"|compiled|"
    rf"reported|translated|graphics?|research)(?: and (?:writing|editing|reporting))? by\b{_NAMES}",
    rf"{_NAMES.replace('additional|', 'additional|files?|follow|inputs?|')}"
    r"[\W_]*with (?:inputs?|reports?|files?|additional (?:reporting|input)|agency inputs)"
    r"(?: from\b.{1,120}|\W*)\Z",
    r"(?:[\w.'’-]+ ){0,8}(?:follow|contact|reach|e-?mail) (?:me|the (?:author|writer)|"
    r"(?-i:[A-Z])[\w.'’-]+ (?-i:[A-Z])[\w.'’-]+)\b.{0,60}"
    r"(?:@|twitter(?! and you\b)|https?:| at [\[(+\d]).{0,120}\Z",
    # where it was published before, and by whom not edited
    rf"[\W_]*(?:\w+ )?{_THIS}(?: (?:has|was|is|had|have))?(?: also| not|n't|n’t)?(?: been)?"
    r"(?: not been)? (?:first |originally |automatically |only )?(?:edited|published"
    r"|auto-?generated|"
    r"generated|created|modified|syndicated|appeared|provided|supplied|reproduced|republished|"
    r"produced|translated|written by|part of (?:the|our|an?))\b"
    r"(?!.*(?:, (?:and|but|which|who|so|yet|while|because)\b"
    r"|\b(?:that|who) (?!(?:has|have|was|were|is|are|(?:first |originally )?appeared)\b)))",
    r"(?:see|read|view) the (?:original|full|whole) (?:version|article|story|post|report)"
    r"(?: of (?:this|the) (?:article|story|post|report|interview))?"
    r"(?:\W*|,? (?:on|at|in|from|here|by|which)\b.{0,120})\Z",
    r"(?:originally|first) (?:published|appeared|posted) (?:on|in|at|by)\b"
    r"(?!.*?, (?:the|an?|it|its|he|she|they|this|these)\b).{1,120}\Z",
    r"\(?except for the headline, this story\b",
    r"republish our articles\b",
    _DATED,
    # further links
    _HEADING.pattern,
    _WHOLE_AT_END.pattern,
    r"(?:click|tap) here (?:to|for)\b.{1,150}\Z",
    r"(?:tags?|topics?|keywords?|filed under|categor(?:y|ies)|posted in|labels)\s*:.{0,300}"
    r"(?<!\.)\Z",
    r"send (?:a letter|letters|questions|us|your|comments|feedback|tips)\b(?! to an?\b).{0,120}\Z",
    r"(?:what do you think\b.{0,150}\b(?:comments?|below|let us know|tell us)|have (?:your say"
    r"|you an "
    r"opinion)|let us know|do you have a (?:story|tip|news))\b.{0,150}\Z",
    r"[\W_]*(?:ends?|30)[\W_]*\Z",
)
_CREDIT = re.compile(
    r"[(\[]\s*(?:(?:additional |with )?(?:reporting|editing|writing|compiled|edited|written"
    r"|reported|"
    rf"source|inputs|(?:agency )?inputs?"
    rf"|{_THIS})\b[^()\[\]]{{2,400}}(?:\([^()]{{0,60}}\)[^()]{{0,300}})*|"
    rf"{_AGENCIES})\s*[)\]][\s.]*",
    re.IGNORECASE,
)
_SIGNATURE = re.compile(
    rf"(?<=[.!?\"”’)])\s*(?:-{{1,2}}|[–—])\s*{_AGENCIES}(?: [a-z]{{2,4}}(?:/[a-z]{{2,4}})*)?\W*\Z",
    re.IGNORECASE,
)
_DATELINE = re.compile(
    r"(?:[A-Z][\w.'’-]*+(?:[ ,/]++(?:[A-Z][\w.'’-]*+|(?:de|of|al|el|la|the)\b|[0-3]?\d\b|20\d\d\b))"
    rf"{{0,9}}+,?\s?)?[(\[]\s*(?i:{_AGENCIES})\s*[)\]]\s*(?:-{{1,2}}|[–—:])\s*"
)
_MONTH: Final = r"(?:jan|feb|mar|apr|may|june?|july?|aug|sept?|oct|nov|dec)[a-z]*"
_CREDITED: Final = r"(?:ap|afp|reuters|epa|pa|getty(?: images)?|the associated press)"
_PICTURES: Final = r"(?:photo(?:graph)?s?|images?|pictures?|pics?)"
_ASIDE = _any(
    # whose picture it is
    rf"[(\[][^()\[\]]{{0,80}}(?:\b{_PICTURES}\b|/{_CREDITED}\b)[^()\[\]]{{0,60}}[)\]]\W*\Z",
    rf"\b{_CREDITED}(?: {_PICTURES})?/[\w .\u2019'-]{{2,40}}(?: file photo)?\W*\Z",
    rf"\A(?:file )?{_PICTURES} ?(?:[:|/\u00a9]|by\b|credit\b|courtesy\b)",
    rf"\b{_PICTURES}(?: by|:| credit:?| courtesy(?: of)?:?) [\w /.&\u2019'-]{{2,60}}\W*\Z",
    rf"\bfile {_PICTURES}\W*\Z",
    rf"\A(?:file|representational|representative|illustrative) {_PICTURES}\b.{{0,120}}\Z",
    rf"[.!?][\"”’]? \({_MONTH}\.? \d{{1,2}}\)\Z",
    r"\A.{0,80}(?:\)|[.\"”’]) (?-i:AP|AFP|REUTERS|Reuters|EPA|Getty Images)\Z",
    r"\((?:representational|representative|file) (?:image|photo|picture)\)\.? ?\w*\Z",
    rf"\b{_CREDITED} {_PICTURES}\W*\Z",
    # what the page offers
    r"\A(?:video|watch|listen|related|see also|also read|read also) ?[:>|]",
    r"\A(?:related (?:content|stories|articles)|now watch|read more|more from business)\b",
    r"\b(?:to|in) your inbox\b",
    r"\b(?:this|our) (?:web)?site uses cookies\b",
    r"\bsign ?up (?:now|today|here|for (?:our|free))\b",
    r"\b(?:user agreement|terms of (?:use|service)) and privacy policy\b",
    r"\b(?:share (?:it|your (?:thoughts|views|opinion))|let us know|tell us)\b.{0,40}"
    r"\b(?:in the comments|comments (?:section )?below)\b",
    r"\A(?:have|got) (?:something|anything) to (?:add|say)\b",
    r"\byou can read (?:what|it|the (?:full|whole))\b.{0,60}\bbelow\b",
    # what the site says to its readers of itself
    r"\A(?=[^\"“”]*\b(?:we|our|us)\b)(?=[^\"“”]*\byour?\b)[^\"“”]*\b(?:journalism|newsroom|inbox"
    r"|newsletters?|subscri(?:be|bers?|ptions?)|donations?|membership)\b[^\"“”]*\Z",
    r"\Athank(?:s| you) for your (?:continued )?support\b.{0,40}\Z",
    r"\b(?:thank you for subscribing|invalid email|click to play|story continues below)\b",
    r"\A\W*(?:advertisement|video unavailable|scroll down for (?:more|video))\W*\Z",
    # posts of others
    r"\bpic\.twitter\.com/",
    r"\ba post shared by\b",
    r"\A[-\u2013\u2014]+ .{2,60}\(@\w+\)",
)
_DATE_ALONE = _any(
    r"\W*(?:published|updated|posted)\b.{0,60}",
    r"\W*[\d:.apm\s]+\W*",
    rf"\W*\d{{0,2}}\s?{_MONTH}\.? \d{{1,2}},? \d{{4}}.{{0,20}}",
)
