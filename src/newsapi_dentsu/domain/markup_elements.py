"""HTML's elements, by what they leave of a page's text."""

from typing import Final


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


PARAGRAPHS: Final = _names(
    "address article aside blockquote body center dd details dialog dir div dl dt fieldset "
    "figcaption figure footer form frameset h1 h2 h3 h4 h5 h6 header hgroup hr html legend li main "
    "menu nav ol optgroup option p pre search section summary table tbody tfoot thead ul"
)
LINES: Final = frozenset({"br", "caption", "tr"})
"""What these begin stands on a line of its own."""

GAPS: Final = _names("area button embed img input map meter progress select td textarea th")
_INLINE: Final = _names(
    "a abbr acronym b base basefont bdi bdo big cite code col colgroup data datalist del dfn em "
    "font frame i image ins kbd label link mark math meta nobr output param q rb rp rt rtc ruby s "
    "samp slot small source span strike strong sub sup time track tt u var wbr xmp "
    "bgsound blink ilayer isindex keygen layer listing marquee menuitem multicol nextid nolayer "
    "picture spacer"
)
UNSEEN: Final = _names(
    "applet audio canvas head iframe noembed noframes noscript object script style svg template "
    "title video"
)
"""What these hold no reader sees: code, or a substitute for what browsers show."""

UNSEEN_IN_FORMULAS: Final = frozenset({"annotation", "annotation-xml"})
"""In these MathML repeats a formula in another notation."""

SWALLOWING: Final = UNSEEN | {"plaintext", "textarea", "xmp"}
"""Without its end tag, each of these would take the rest of the text with it."""

ELEMENTS: Final = PARAGRAPHS | LINES | GAPS | _INLINE | SWALLOWING
VOID: Final = _names("br embed hr img wbr")
"""These have no end tag and a place in a sentence; others without an end tag are spoken of."""

HEAD: Final = _names("base body head html link meta")
"""These have no place in a sentence at all."""

EMBEDDED: Final = _names("applet audio embed iframe object script style svg video")
"""What is code or a player even where it came escaped."""

QUOTING: Final = frozenset({"code", "kbd", "pre", "samp", "xmp"})
"""What these hold escaped is text about markup."""

CONTROLS: Final = _names("button details dialog input meter progress select textarea")
"""No text ends with the beginning of one of these, unless it speaks of it."""

FLAGS: Final = _names(
    "allowfullscreen async autofocus autoplay checked compact controls default defer disabled "
    "formnovalidate hidden inert ismap itemscope loop multiple muted nomodule noshade novalidate "
    "nowrap open playsinline readonly required reversed selected"
)
"""Attributes without a value."""
