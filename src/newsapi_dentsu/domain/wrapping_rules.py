"""Lines that a site puts around an article's text, known by how they are worded.

A line is wrapping where all of it is: a sentence of the article that only begins like a credit, a
request to subscribe or a copyright notice, tells something, and stays.
"""

import re
from functools import lru_cache
from typing import Final, Literal, NamedTuple

Place = Literal["start", "end"]

MOST_LENGTH: Final = 400
"""Characters of a line; a longer one is a paragraph of an article."""

_MOST_ASIDE_LENGTH: Final = 600
"""Characters of a line in the middle of a text that may be an aside."""

_MOST_APPEAL_LENGTH: Final = 1_200
"""Characters of a line in which a site speaks to its readers of itself."""

_LINES_KEPT: Final = 20_000


def is_wrapping(line: str, place: Place) -> bool:
    """Tell whether a line is wrapping where it stands at this end of a text."""
    return _wraps(line, _AT_START if place == "start" else _AT_END)


@lru_cache(_LINES_KEPT)
def is_aside(line: str) -> bool:
    """Tell whether a line says nothing of its article's subject, wherever in the text it stands.

    Such are captions of pictures, players, posts of others that are shown in between, bare dates,
    addresses, what the site says of itself, and what is wrapping at an end of the text.
    """
    line = line.strip()
    if not line or len(line) > _MOST_APPEAL_LENGTH:
        return not line
    if _APPEAL.match(line):
        return True
    if len(line) > _MOST_ASIDE_LENGTH:
        return False
    if _is_in(line, _ASIDE) or _DATE_ALONE.fullmatch(line):
        return True
    return _wraps(line, _AT_START, _AT_END)


def heads_links(line: str) -> bool:
    """Tell whether a line is the heading of a list of further links."""
    return _HEADING.fullmatch(line) is not None


def after_dateline(body: str, start: int) -> int:
    """Return where the text goes on behind the agency's dateline at `start`, if there is one."""
    dateline = _DATELINE.match(body, start) or _WIRE_DATELINE.match(body, start)
    return dateline.end() if dateline else start


def before_credit(text: str) -> int:
    """Return where, in the last line of a text, the credit in brackets or after a dash begins."""
    tail_at = max(0, len(text) - MOST_LENGTH)
    tail = text[tail_at:]
    if tail.rstrip(" .").endswith((")", "]")):
        for opening in re.finditer(r"[(\[]", tail):
            if _CREDIT.fullmatch(tail, opening.start()):
                return len(text[: tail_at + opening.start()].rstrip())
    found = _SIGNATURE.search(text, max(0, len(text) - 40))
    return len(text[: found.start()].rstrip()) if found else len(text)


def _wraps(line: str, *rules: re.Pattern[str]) -> bool:
    """Whether a line is wrapping by the rules for anywhere, or by some of these."""
    if len(line) > MOST_LENGTH:
        return False
    if _RULER.fullmatch(line) or _is_sharing(line.casefold()):
        return True
    return any(one.match(line) for one in (_ANYWHERE, *rules)) and not _tells(line)


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

_PUBLISHED: Final = (
    rf"(?:except for the headline, |\w+ )?{_THIS}(?: (?:has|was|is|had|have))?"
    r"(?: also| not|n't|n’t)?(?: been)?(?: not been)? (?:first |originally |automatically |only )?"
    r"(?:edited|published|auto-?generated|generated|created|modified|syndicated|appeared|featured"
    r"|provided|supplied|reproduced|republished|produced|translated|written by"
    r"|developing|part of (?:the|our|an?))\b"
    r"(?!.*(?:, (?:and|but|which|who|so|yet|while|because)\b"
    r"|\b(?:that|who) (?!(?:has|have|was|were|is|are|(?:first |originally )?appeared)\b)))"
)

# What makes a line a sentence of its own, whose subject is neither the reader nor the site.
_TIES: Final = r"(?<!\byou )(?<!\bwe )(?<!\bthat )(?<!\bwho )(?<!\bwhich )(?<!\b[Ww]hat )"
_FINITE = re.compile(
    rf"{_TIES}\b(?:(?:is|was|were|did|does)(?:n['’]t)?|became|becomes|remains|remained|rose|fell"
    rf"|grew|drew"
    r"|draws|brought|brings|costs?|made|makes|meant|means|sold|sells|took|takes|gave|gives|got|gets"
    r"|came|comes|went|goes|led|leads|lost|loses|won|wins|paid|pays|kept|keeps|held|holds|stood"
    r"|stands|saw|sees|knew|knows|thought|thinks|felt|feels|ran|runs|began|begins|seems|seemed"
    r"|works"
    r"|worked|helps|helped|fails|failed|shows|showed|sounds|looks|looked|needs|needed|belongs"
    r"|belonged|counts|counted|covers|covered|earns|earned|attracts|attracted|turns|turned"
    r"|says|said|tells|told|asks|asked|writes|wrote|warns|warned|argues|argued|ruled|adds|added"
    r"|protects|matters|applies|does|did|would|could"
    r"|[a-z]+ed (?:\d|the|an?|its|his|her|their|more|most|fewer|less|about|nearly|over|only|up|off"
    r"|out|when|because|after|before|that|how|why|it|them)\b)\b"
)
_PREDICATE = re.compile(rf"{_TIES}\b(?:are|ha[sd] (?:become|been|made|\w+ed)|found|will|should)\b")
_REPORTED = re.compile(
    r",[”\"’']?\s(?:[\w.’'-]+\s){0,5}(?:said|says?|told|tells?|found|finds?|wrote|writes?|ruled"
    r"|begged"
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


class _Somewhere(NamedTuple):
    """Patterns to be found in a line, by where they can begin: so few are tried at each place."""

    at_start: re.Pattern[str]
    at_word: re.Pattern[str]
    anywhere: re.Pattern[str]


def _somewhere(*patterns: str) -> _Somewhere:
    start, word = r"\A", r"\b"
    at_word = _any(*(one.removeprefix(word) for one in patterns if one.startswith(word)))
    return _Somewhere(
        _any(*(one.removeprefix(start) for one in patterns if one.startswith(start))),
        re.compile(rf"{word}(?:{at_word.pattern})", re.IGNORECASE),
        _any(*(one for one in patterns if not one.startswith((start, word)))),
    )


def _is_in(line: str, rules: _Somewhere) -> bool:
    return bool(
        rules.at_start.match(line) or rules.at_word.search(line) or rules.anywhere.search(line)
    )


_PERSON: Final = r"(?-i:[A-Z][\w.'’-]+)(?: (?-i:[A-Z][\w.'’-]*)){0,2}"
_PLACE: Final = (
    r"(?-i:[A-Z][\w.'’-]+)(?:,? (?-i:[A-Z][\w.'’-]*)|,? (?:and|in|near|of|de)(?= (?-i:[A-Z]))){0,8}"
)

# Each of these says by itself how the line ends, and may tell what it likes.
_WHOLE = _any(
    rf"{_NAMES.replace('additional|', 'additional|an?|based|correspondent|')}.*"
    r"\bcontribut(?:ed|ing) (?:to this (?:report|story|article)|reporting)\b",
    rf"{_NAMES}(?:the )?{_AGENCY} .*\bcontributed(?: (?:from|to) [\w ,]{{2,60}})?\W*\Z",
    r"(?:video loading video unavailable|sponsored content is written by .{0,60}\bwithout"
    r"|this field is required\.)(?!\w)",
)
# What a note of a correction says to be right is news.
_NO_FIGURE: Final = (
    r"(?!.*(?:[$€£¥] ?\d|\d ?(?:%|percent\b|per cent\b|[mb]n?\b|million\b|billion\b)|,? not \w"
    r"|\bshould (?:be|have|read|say)\b"
    r"|[.;] (?:it|they|he|she|(?:in fact|the)\b.{1,60}?) (?:is|was|are|were|has|had|have|will)\b))"
)
_WHOLE_AT_END = _any(
    # by whom, and whose opinion
    rf"\W*{_PERSON}(?:(?: and|,) {_PERSON}){{0,3}} reported from {_PLACE}\W*\Z",
    r"about the (?:author|writer)s?\s*(?::.*)?\Z",
    r"to contact the (?:reporter|editor|author|writer)s?(?: on| responsible for)? (?:this|the) "
    r"(?:story|article|report)s?\s*:",
    r"disclaimer\s*:\s*(?:this|the (?:above|views|opinions|information|content))\b"
    r"(?!.*,[”\"’']? (?:[\w’'-]+ ){1,5}(?:says?|said|reads?|tells?|told|claims?|warns?)\b)",
    r"(?:the )?(?:views|opinions)(?: and (?:views|opinions))? expressed\b.{0,120}\b(?:authors?"
    r"|writers?"
    r"|contributors?|columnists?)\b.{0,80}\b(?:own|alone|not)\b",
    r"(?:the )?(?:views|opinions)(?: and (?:views"
    r"|opinions))? expressed in this \w+ are\b.{0,60}\bown\b",
    r"the post (?-i:[\"“'‘A-Z\d]).{3,200} (?:appeared first"
    r"|first appeared) on (?-i:[A-Z]).{1,60}\Z",
    r"this is an? (?:syndicated|auto-?generated|unedited)\b.{0,30}\b(?:feed|story|post|content|copy"
    r"|article)\b.{0,80}\Z",
    r"this is a (?:developing|breaking)(?: news)? story\W*"
    r"(?:(?:please )?(?:check back|refresh|come back|it will be updated)\b.{0,60})?\Z",
    r"\W*(?:the )?(?:views|opinions) expressed\b.{0,60}\bare those of the (?:authors?|writers?"
    r"|columnists?|contributors?)\b.{0,80}\Z",
    rf"\W*{_PERSON} is an? .{{1,150}}\. (?:the )?(?:views|opinions) expressed "
    r"(?:here |in this \w+ )?are (?:his|her|their)(?: own)?\W*\Z",
    rf"{_NO_FIGURE}\W*this (?:story|article|post|report) (?:has been|was)"
    r" (?:updated|amended|corrected)(?:\W*\Z| (?:on|at) .{0,12}\d.{0,200}\Z"
    r"| to (?:add|clarify|correct|include|note|reflect|remove)\b.{0,200}\Z)",
    rf"{_NO_FIGURE}(?:correction|clarification|editor['’]s note)\s*:\s*an? "
    r"(?:earlier|previous) version of (?:this|the) (?:story|article|post|report|headline)\b",
    # a press release's
    r"(?-i:SOURCE) (?-i:[A-Z]).{1,80}(?<!\.)\Z",
    r"view (?:the )?(?:original content|source version|original release)\b.{0,60}https?:",
    r"(?:media |press |pr |investor )*(?:contacts?|enquiries|inquiries)\s*:.{0,120}"
    r"(?:@[\w-]+\.|\+?\d[\d ()-]{6,}).{0,80}\Z",
    # the page's
    r"(?:you can )?(?:unsubscribe|opt out) at any ?time\W*\Z",
    r"(?:don['’]t|already) have an account\?(?:\W*\Z|\s+(?:sign|log|register|create"
    r"|join)\b.{0,60}\Z)",
    r"(?:\w+ )?read or share this (?:story|article)\s*:",
    # further links
    r"(?:read more|read also|also read|see also|related(?: (?:story|article|link|news|stories))?|"
    r"recommended|watch(?: also| now| this)?|videos?|in pics|in pictures|gallery|listen|must read|"
    r"don['’]t miss|(?:read|up) next|read|read more on|related (?:topics?|tags|searches)"
    r"|more(?: about| on| [\w&]+ \w+)?)"
    r"\s*[:|»>]+\s*\S(?!.*[.!?]\s+\S).{2,200}(?<![.])\Z",
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
    r"follow us on (?:x|tiktok|threads|bluesky|mastodon|google news|wechat|viber)\b"
    r"(?!,? (?:and )?(?:you|they|he|she|it|we|the|an?)\b"
    r"|\s(?!(?:and|at|by|for|here|now|on|or|to)\b)(?-i:[a-z])).{0,80}\Z",
    r"join (?:our|the (?-i:[A-Z])[\w ]{1,30}) (?:whatsapp|telegram|facebook|discord|viber|signal) "
    r"(?:channel|group|community|page)\b.{0,60}\Z",
    rf"follow (?:all )?(?:of )?(?:our|the"
    rf"|{_AGENCY}(?:['’]s)?)(?: [\w-]+){{0,3}} coverage\b.{{0,60}}"
    r"(?:https?:|www\.|@|\bhere\b).{0,80}\Z",
    rf"more (?:of )?{_AGENCY}(?:['’]s)? [\w -]{{1,30}}:\s*(?:https?:|www\.).{{0,120}}\Z",
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
    r"|log|login|join|register|subscribe|activate|link|get|become|start|here|create|try|see|find"
    r"|you)\b"
    r".{0,80}\Z)",
    r"(?:click here to |tap here to )?download (?:the |our )?[\w ,'’-]{0,40}\bapp\b"
    r"(?:\W*\Z|.{0,30}\b(?:to (?:get|stay|read|receive)|for (?:all|more|free|the latest)|here|now"
    r"|today|https?)\b)",
    r"stay (?:updated|up to date|connected|in touch|tuned)\b.{0,80}\b(?:app|newsletter|facebook|"
    r"twitter)\b",
    r"for (?:all )?(?:the )?latest [^,]{1,60}(?: |, ?)(?:follow|download|visit|click|like"
    r"|subscribe)\b",
    r"chat with us in facebook messenger\b",
    r"by (?:signing up|subscribing|registering|submitting"
    r"|clicking [\w\"“” ’']{2,30}),? you (?:agree"
    r"|consent|accept|confirm|acknowledge)\b",
    r"(?:get|receive) (?:all )?the latest (?:news|updates|stories|headlines)\b.{0,80}\b(?:phone|app"
    r"|inbox|e-?mail|mobile|whatsapp)\b.{0,60}\Z",
    r"stay (?:up[ -]to[ -]date|updated|informed|connected|ahead)\b.{0,80}\b(?:follow us|subscribe"
    r"|sign up|join (?:us|our)|newsletter|our app)\b.{0,80}\Z",
    r"catch all the (?:latest )?(?:\w+ ){0,2}news\b.{0,150}\bon\b.{0,60}\Z",
    # advertising and a page's controls
    r"[\W_]*(?:advertise?ments?|advertising|sponsored(?: content)?"
    r"|story continues below(?: advertisement)?|"
    r"article continues(?: below)?|advertisement\W+(?:continue reading below|scroll to continue)"
    r"|scroll (?:down )?for more|loading|search|subscribe|sign ?up|"
    r"log ?in|close|embed|menu|next page|(?:show|view|read|leave|post|add)(?: all| an?| your)? "
    r"(?:comments?|reply)(?: \(?\d+\)?)?|comments? ?\(?\d*\)?|\d+ comments?|skip in skip.?|mail|"
    r"back to top|x|copy (?:the )?(?:link|url)|more (?:to (?:come|follow)|follows)|thread"
    r"|play video|terms (?:of (?:use|service)|& conditions|and conditions)"
    r"|(?:privacy|cookie) policy"
    r"|get (?:our|the) app|listen to this (?:article|story)|\d{1,2}[ -]min(?:ute)?s?(?: read)"
    r"|(?:estimated )?reading time ?:? \d{1,2} min(?:ute)?s?"
    r"|watch video|photos?|videos?|gallery)[\W_]*\Z",
    # an agency alone on a line
    rf"[\W_]*(?:(?:source|agency|courtesy|with (?:inputs?|reports?|files) from|from|via)[:\s]+)?"
    rf"{_AGENCIES}[\W_]*\Z",
    rf"[\W_]*(?:with )?{_AGENCIES} (?:inputs?|feed)[\W_]*\Z",
    rf"[\W_]*{_AGENCY}(?:[ /][a-z]{{2,4}}/[a-z]{{2,4}}|/[a-z]{{2,4}}"
    rf"|(?-i:(?: [A-Z]{{2,4}}){{2,4}}))"
    r"[\W_]*\Z",
    rf"[a-z]{{2,4}}/[a-z]{{2,4}}(?: ?\({_AGENCIES}\))?[\W_]*\Z",
    r"(?:getty(?: images)?|shutterstock|istock(?:photo)?|unsplash|alamy|adobe stock)"
    r"(?: ?/ ?[\w ]{2,40})?[\W_]*\Z",
    r"our standards: the thomson reuters trust principles\b.{0,30}\Z",
    rf"this (?:report|story) by {_AGENCIES} was first published\b.{{0,40}}\Z",
)
_PICTURED: Final = (
    r"[(\[]?(?:featured |lead |main |cover |file |top |header )?(?:image|photo|photograph|picture"
    r"|illustration|graphic)s?\s?(?:credits?|source|courtesy(?: of)?|by|via|copyright|[:©|])[:\s]*"
    r"(?:by |of |via |© ?)?(?-i:[A-Z@])[\w.'’@-]*(?:[ /,|]+(?:(?-i:[A-Z@&])[\w.'’@-]*"
    r"|on|for|via|of|and|from|by|in|the|de|van)){0,10}[)\]\W]*\Z"
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
    r"coverage|top stories|from (?:the web|around the web|our network|this section|us)"
    r"|on this (?:story|topic)|like this)|"
    r"recommended(?: (?:for you|stories|articles|reading|by outbrain))?|you (?:may"
    r"|might) (?:also )?"
    r"(?:like|be interested in)|trending(?: (?:now|right now|stories|topics|today))?|"
    r"most (?:read|popular|viewed|shared|commented)(?: (?:in|on) .{1,30}| stories| news"
    r"| articles)?|"
    r"top (?:news )?stories(?: today)?|today'?s top (?:stories|picks)|editors?'?s? picks?|up next|"
    r"(?:from )?around the web|promoted (?:stories|content|links)|sponsored (?:links|content"
    r"|stories)"
    r"|other (?:stories|news|links)|latest (?:news|stories|headlines|videos|updates)|"
    r"more from (?-i:(?:the )?[A-Z][\w&.'’-]*(?: [A-Z&][\w&.'’-]*){0,3})|"
    r"popular (?:stories|articles|now)|in other news|read more top news stories today|"
    r"what to read next|don'?t miss|tags)[\s:.…>»-]*\Z"
)
_AT_END = _any(
    _COPYRIGHT,
    _PICTURED,
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
    rf"[\W_]*{_PUBLISHED}",
    r"(?:see|read|view) the (?:original|full|whole) (?:version|article|story|post|report)"
    r"(?: of (?:this|the) (?:article|story|post|report|interview))?"
    r"(?:\W*|,? (?:on|at|in|from|here|by|which)\b.{0,120})\Z",
    r"(?:originally|first) (?:published|appeared|posted) (?:on|in|at|by)\b"
    r"(?!.*?, (?:the|an?|it|its|he|she|they|this|these)\b).{1,120}\Z",
    r"\(?except for the headline, this story\b",
    r"republish our articles\b",
    r"re-?(?:published|printed) (?:here )?with (?:the )?(?:kind |full )?permission\b"
    r"(?: (?:of|from) (?-i:[A-Z]).{1,60})?\W*\Z",
    rf"[\W_]*with (?:the )?assistance (?:from|by|of)\b{_NAMES}",
    rf"(?:editor|reporter|author|writer|photographer|producer|translator)s?\s*:\s*{_PERSON}"
    rf"(?:(?:,| and| &) {_PERSON}){{0,3}}\W*\Z",
    rf"(?:(?:\W*(?:additional reporting|reporting|editing|writing|words)\s*:\s*{_PERSON}"
    rf"(?:(?:,| and| &) {_PERSON}){{0,3}}){{1,4}})\W*\Z",
    rf"(?:report|story|words|text|interview) by {_PERSON}(?:(?:,| and| &) {_PERSON}){{0,3}}\W*\Z",
    rf"\W*additional reporting from\b{_NAMES}",
    r"thank(?:s| you) for (?:reading|watching|listening|subscribing)\b(?! (?:the|an?|that|this)\b)"
    r"[\w '’-]{0,40}\W*\Z",
    r"stay tuned(?: (?:for|to) (?:(?:more|further|all the)\b|us\b|this space)[\w ]{0,30})?\W*\Z",
    r"for (?:more|all)(?: such| the)?(?: latest)? (?:stories|news|updates|videos|articles"
    r"|information"
    r"|details|content)[\w ]{0,30},? (?:(?:follow|like|join|visit) us|subscribe to|download (?:our"
    r"|the)"
    r"|visit (?:our|https?:|www\.)|click|log on|tune in)\b.{0,100}\Z",
    r"(?:do you )?(?:got|have) (?:an?|any|some) (?:news |story )?(?:tips?|story|stories|question"
    r"|questions"
    r"|comments?|feedback)\b.{0,40}\?\s*(?:please )?(?:write|e-?mail|contact|send|let us|reach|call"
    r"|tell us|share)\b.{0,120}\Z",
    r"to comment on this (?:article|story)\b.{0,60}\bvisit\b.{0,80}\Z",
    r"learn more about (?:our|the (?-i:[A-Z])?[\w]{1,20}(?: [\w]{1,20})?) apps?\W*\Z",
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
_CREDIT_WORDS: Final = (
    r"(?:additional |with (?:additional )?)?(?:reporting|editing|writing|compiled|edited|written"
    r"|reported|translated|produced|created|research)"
)
_CREDIT = re.compile(
    rf"[(\[]\s*(?:(?:{_CREDIT_WORDS}(?:(?: and |, | & ){_CREDIT_WORDS})*(?: (?:assistance|help))? "
    rf"(?:by|from)\b{_NAMES}|additional reporting(?= (?-i:[A-Z]))|source\s*:?\s(?!of\b)"
    rf"|(?:with )?(?:agency |{_AGENCY} )?inputs?(?= from\b"
    rf"|\W*\Z)|{_PUBLISHED})"
    rf"[^()\[\]]{{0,400}}(?:\([^()]{{0,60}}\)[^()]{{0,300}})*|{_AGENCIES})\s*[)\]][\s.]*",
    re.IGNORECASE,
)
_SIGNATURE = re.compile(
    rf"(?<=[.!?\"”’)])\s*(?:-{{1,2}}|[–—])\s*{_AGENCIES}(?: [a-z]{{2,4}}(?:/[a-z]{{2,4}})*)?\W*\Z"
    r"|(?:(?<=[a-z\d][.!?\"”])|(?<=[a-z\d][.!?][\"”]))\s?"
    r"(?-i:Reuters|AFP|AP|PTI|IANS|ANI|DPA|UPI|Xinhua|TASS|AAP|EFE|ANSA)\.?\Z",
    re.IGNORECASE,
)
_DATELINE = re.compile(
    r"(?:[A-Z][\w.'’-]*+(?:[ ,/]++(?:[A-Z][\w.'’-]*+|(?:de|of|al|el|la|the)\b|[0-3]?\d\b|20\d\d\b))"
    rf"{{0,9}}+,?\s?)?[(\[]\s*(?i:{_AGENCIES})\s*[)\]]\s*(?:-{{1,2}}|[–—:])\s*"
)
_WIRE_DATELINE = re.compile(
    r"[A-Z][\w.'’-]*+(?:[ ,/]++[\w.'’]++){0,9},?\s?(?:--)?"
    r"[(/](?:PR ?Newswire|Business Wire|Globe ?Newswire|Accesswire|Newsfile Corp\.?)"
    r"(?:-[\w-]{1,40})?[)/]\s*(?:-{1,2}|[–—])\s*",
    re.IGNORECASE,
)
_MONTH: Final = r"(?:jan|feb|mar|apr|may|june?|july?|aug|sept?|oct|nov|dec)[a-z]*"
_WEEKDAY: Final = r"(?:mon|tues|wednes|thurs|fri|satur|sun)day"
_CREDITED: Final = r"(?:ap|afp|reuters|epa|pa|getty(?: images)?|the associated press)"
_PICTURES: Final = r"(?:photo(?:graph)?s?|images?|pictures?|pics?)"
_ASIDE = _somewhere(
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
    # who stands where in it
    r"(?-i:[A-Z])[\w.\u2019'-]+, (?:second |third )?(?:from )?(?:the )?"
    r"(?:left|right|cent(?:er|re)|rear|foreground|background)[,.](?! (?:and|but|or|left|right)\b)",
    r"\b(?:second|third) (?:from )?(?:left|right), ",
    # what is seen in it, on a day with its year
    rf"\A(?!.*\b(?:said|says?|told|was|were|ha[ds]|will|would|is|are|announced|expected|filed"
    rf"|scheduled|signed)\b).{{20,300}}(?:,| on) {_WEEKDAY}, {_MONTH}\.? \d{{1,2}}, 20\d\d\b"
    r".{0,100}\Z",
    rf"\A(?:file\W+)?in this (?:{_WEEKDAY},? )?{_MONTH}\.? \d{{1,2}}, \d{{4}},? (?:file )?photo\b",
    # an address alone
    r"\A\W*(?:https?://|www\.)\S+\Z",
    # who wrote, where and when, before a caption and links
    r"\Aby ?:? [^|]{2,60}\|(?: ?[^|]{2,40}\|)? ?(?:published|updated|posted)\b",
    # where an author is found
    r"\b(?:follow|connect with|contact|reach|e-?mail) (?:him|her|them|me) (?:at|on|via)"
    r" (?:twitter|facebook|instagram|snapchat|linkedin|e-?mail|https?:|www\.|[@\[(+\d])"
    r"[^.]{0,60}(?:\.\w+)*\W*\Z",
    rf"\A(?:editor['’]?s note\W+)?{_PERSON} is an? (?:[\w'’-]+ ){{0,4}}"
    r"(?:columnist|correspondent|reporter|editor|writer) (?:for|at|of|with) .{2,120}\Z",
    # where else it stood
    r"\Athe story (?-i:[A-Z]).{10,200} first appeared on (?-i:[A-Z]).{1,60}\Z",
    r"\Athis (?:article|column|editorial|story) (?:first )?appeared in .{2,60}"
    r" and (?:was|is) distributed by .{2,60}\Z",
    # what the page offers
    r"\A\W*(?:video|watch(?: (?:below|live|video))?|listen|related|see (?:also|more)|also read"
    r"|read also|tagged) ?[:>|]",
    r"\A(?:related (?:content|items|stories|articles)|now watch|read more|more from business)\b",
    r"\A(?:the latest on .{2,80} )?\(all times local\)\W*\Z",
    r"\A\W*(?!.*\b(?:said|says|told|according)\b)"
    r"(?:download (?:our|the (?:free|latest))\b|register (?:now|today) (?:for|to)\b"
    r"|check out (?:our\b|(?-i:[A-Z]).{2,40}['’]s? (?:latest|newest)\b)"
    r"|(?:make it easy to )?keep up to date with\b"
    r"|please (?:check back|enable|refresh)\b"
    r"|if you (?:notice|spot|see) an? .{0,30}\b(?:error|typo)"
    r"|you (?:must enter the characters|need javascript)\b)",
    r"\bget (?:our|the) (?:free )?(?:[\w-]+ )?newsletter\b",
    r"\bnot responsible for (?:the |any )?(?:comments|content of external)\b",
    r"\A\W*for more (?:[\w'’-]+ ){0,3}(?:on|coverage|news|stories)\b.{0,200}"
    r"(?:https?:|www\.|\bvisit (?:the|our)\b.{0,40}\b(?:page|site|website)\b).{0,80}\Z",
    r"\b(?:to|in) your inbox(?:\b|(?-i:Sign))",
    r"\b(?:this|our) (?:web)?site uses cookies\b",
    r"\bsign ?up (?:now|today|here|for (?:our|free))\b",
    r"\b(?:user agreement|terms of (?:use|service)) and privacy policy\b",
    r"\b(?:share (?:it|your (?:thoughts|views|opinion))|let us know|tell us)\b.{0,40}"
    r"\b(?:in the comments|comments (?:section )?below)\b",
    r"\A(?:have|got) (?:something|anything) to (?:add|say)\b",
    r"\byou can read (?:what|it|the (?:full|whole))\b.{0,60}\bbelow\b",
    r"\Athank(?:s| you) for your (?:continued )?support\b.{0,40}\Z",
    r"\b(?:thank you for subscribing|invalid email|click to play|story continues below)\b",
    r"\A\W*(?:advertisement|video unavailable|scroll down for (?:more|video))\W*\Z",
    # posts of others
    r"\bpic\.twitter\.com/",
    r"\ba post shared by\b",
    r"\A[-\u2013\u2014]+ .{2,60}\(@\w+\)",
)
_APPEAL = _any(
    r"(?=[^\"“”]*\b(?:we|our|us)\b)(?=[^\"“”]*\byour?\b)[^\"“”]*\b(?:journalism|newsroom|inbox"
    r"|newsletters?|subscri(?:be|bers?|ptions?)|donations?|membership)\b[^\"“”]*\Z",
)
_DATE_ALONE = _any(
    r"\W*(?:published|updated|posted)\b.{0,60}",
    r"\W*(?:published|updated|posted)\b.{0,60}\bthanks for your (?:continued )?support\W*",
    r"\W*[\d:.apm\s]+\W*",
    rf"\W*\d{{0,2}}\s?{_MONTH}\.? \d{{1,2}},? \d{{4}}.{{0,20}}",
)
