"""Which page a url names: one spelling for all the ways to write the same address.

`url-normalize <https://github.com/niksite/url-normalize>`_ does what RFC 3986 section 6 and
IDNA 2008 define: lower-case scheme and host, punycode, trailing host dot, dot segments, doubled
slashes, percent-encoding case and needless escapes, UTF-8 and NFC, empty parameters, ``#!``
routes turned into ``_escaped_fragment_``.

It does not do the following, so this module does: refuse what isn't an absolute http(s) url of
bearable length; fold http into https (and drop port 80 and 443 alike); drop ``www.``, userinfo,
fragments, the trailing slash, tracking parameters and session ids; sort the parameters; read
``&amp;`` as ``&`` and ``%20`` as ``+`` in a query.

The reasons, and what is left alone on purpose, are in ``docs/urls.md``.
"""

import hashlib
import re
from typing import Final
from urllib.parse import urlsplit

from url_normalize import url_normalize

MAX_URL_LENGTH: Final = 2000
"""Longest url taken, in characters as given and in bytes once canonical.

PostgreSQL refuses b-tree entries above a third of a page (2,704 bytes), and the canonical url is
a unique key.
"""

TRACKING_PREFIXES: Final[tuple[str, ...]] = (
    "utm_",  # Google Analytics and everybody since
    "mtm_",  # Matomo
    "hsa_",  # HubSpot ads
)
"""Beginnings of parameter names that only trackers use."""

TRACKING_PARAMETERS: Final[frozenset[str]] = frozenset(
    {
        # Click ids of ad networks and social platforms
        *("gclid", "gclsrc", "dclid", "wbraid", "gbraid", "gad_source", "gad_campaignid"),
        *("srsltid", "msclkid", "fbclid", "twclid", "ttclid", "yclid", "ysclid", "li_fat_id"),
        *("igshid", "igsh", "wickedid", "rb_clickid", "s_kwcid", "_openstat"),
        # Google Analytics, across domains and before utm
        *("_ga", "_gl", "ga_source", "ga_medium", "ga_campaign", "ga_content", "ga_term"),
        # Matomo under its former name
        *("pk_campaign", "pk_kwd", "pk_keyword", "pk_source", "pk_medium", "pk_content", "pk_cid"),
        # Newsletters: Mailchimp, HubSpot, Marketo, Omeda, Vero, MailerLite, Drip
        *("mc_cid", "mc_eid", "_hsenc", "_hsmi", "__hssc", "__hstc", "__hsfp", "hsctatracking"),
        *("mkt_tok", "oly_anon_id", "oly_enc_id", "vero_id", "vero_conv"),
        *("ml_subscriber", "ml_subscriber_hash", "__s"),
        # Publishers' analytics: Adobe, Piano (AT Internet), Comscore, Webtrekk, Yahoo
        *("cmpid", "s_cid", "xtor", "at_medium", "at_campaign", "at_campaign_type", "at_format"),
        *("at_custom1", "at_custom2", "at_custom3", "at_custom4", "at_ptr_name", "at_bbc_team"),
        *("at_link_id", "at_link_type", "at_link_origin", "ns_mchannel", "ns_source"),
        *("ns_campaign", "ns_linkname", "ns_fee", "wt_mc", "wt_zmc"),
        *("itm_source", "itm_medium", "itm_campaign", "itm_content", "itm_term"),
        *("guccounter", "guce_referrer", "guce_referrer_sig"),
        # Facebook and X say where a link was shown
        *("fb_action_ids", "fb_action_types", "fb_ref", "fb_source"),
        *("ref_src", "ref_url", "__twitter_impression"),
        # Session ids of servlet containers and PHP: of the visit, not of the page
        *("jsessionid", "phpsessid"),
    }
)
"""Whole parameter names, in lower case, that say how a reader came and never what is read."""

# No white space, controls or surrogates anywhere; a backslash in the authority is read as a slash
# by browsers and as a user name by everybody else.
_USABLE = re.compile(
    r"https?://[^\s\x00-\x1f\x7f-\x9f\ud800-\udfff/?#\\]+"
    r"(?:[/?#][^\s\x00-\x1f\x7f-\x9f\ud800-\udfff]*)?",
    re.IGNORECASE,
)

# The library would give these back unchanged (a property test says so): most urls, at a fraction
# of the cost.
_LABEL = r"(?![a-z0-9-]{64})[a-z0-9]+(?:-[a-z0-9]+)*"
_PARAMETER = r"[A-Za-z0-9._~-]+(?:=[A-Za-z0-9._~+/:,-]*)?"
_ALREADY_NORMAL = re.compile(
    rf"https?://{_LABEL}(?:\.{_LABEL})+"
    r"(?:/|(?:/[A-Za-z0-9_~,-][A-Za-z0-9._~,-]*)+/?)"
    rf"(?:\?{_PARAMETER}(?:&{_PARAMETER})*)?"
)

_HOST = re.compile(r"[a-z0-9_-]+(?:\.[a-z0-9_-]+)*|[0-9a-f:.]*:[0-9a-f:.]*")
# Feeds escape a url for HTML once too often; no site has a parameter named "amp;id".
_ESCAPED_AMPERSAND = re.compile(r"(^|&)(?:amp;)+", re.IGNORECASE)
# Not after a dot: what is left would be a dot segment.
_PATH_END = re.compile(r"(?:/|(?<!\.);jsessionid=[^/;]*)+$", re.IGNORECASE)


def canonical_url(url: str) -> str:
    """Return the identity of the page that a url names.

    Two spellings of one address give one identity; two articles never share one. Idempotent. The
    result is for comparing, not for reading: keep the url as given for people to click.

    Raises:
        ValueError: if the url isn't usable, exactly when `usable_url` returns ``None``.
    """
    url = url.strip()
    if len(url) > MAX_URL_LENGTH:
        raise ValueError(f"the url is longer than {MAX_URL_LENGTH} characters")
    if not _ALREADY_NORMAL.fullmatch(url):
        if not _USABLE.fullmatch(url):
            raise ValueError("not an absolute http(s) url")
        url = url_normalize(url) or ""
    parts = urlsplit(url)
    canonical = (
        f"https://{_host_and_port(parts.hostname or '', parts.port)}"
        f"{_path(parts.path)}{_query(parts.query)}{_route(parts.fragment)}"
    )
    if len(canonical) > MAX_URL_LENGTH:  # ASCII by now: a character is a byte
        raise ValueError(f"the canonical url is longer than {MAX_URL_LENGTH} bytes")
    return canonical


def article_id(url: str) -> str:
    """Return the identity of the article on a page: 32 hex digits of its canonical url's hash."""
    return hashlib.sha256(url.encode()).hexdigest()[:32]


def usable_url(value: object) -> str | None:
    """Return the url in a value from outside, without surrounding white space, or ``None``.

    Usable is an absolute http(s) url with a host, without white space, control characters or
    lone surrogates inside, of at most `MAX_URL_LENGTH` characters, and of at most as many bytes
    once canonical. Never raises; `canonical_url` accepts whatever this returns.
    """
    if not isinstance(value, str):
        return None
    try:
        canonical_url(value)
    except ValueError:
        return None
    return value.strip()


def _host_and_port(host: str, port: int | None) -> str:
    if not _HOST.fullmatch(host):
        raise ValueError("the url has no valid host")
    if ":" in host:
        host = f"[{host}]"
    while host.startswith("www.") and "." in host[4:]:
        host = host[4:]
    # Once http is https, the default port of either scheme says nothing.
    return host if port in {None, 80, 443} else f"{host}:{port}"


def _path(path: str) -> str:
    return _PATH_END.sub("", path) or "/"


def _query(query: str) -> str:
    query = _ESCAPED_AMPERSAND.sub(r"\1", query).replace("%20", "+")
    kept = sorted(item for item in query.split("&") if item and not _is_noise(item))
    return "?" + "&".join(kept) if kept else ""


def _is_noise(item: str) -> bool:
    name = item.partition("=")[0].lower()
    return (
        name in TRACKING_PARAMETERS
        or name.startswith(TRACKING_PREFIXES)
        or item == "_escaped_fragment_="  # a bare "#!": the page itself
    )


def _route(fragment: str) -> str:
    # "#/news/1" is a page of a client-side router, "#comments" a place on a page.
    return f"#{fragment}" if fragment.startswith("%2F") and fragment != "%2F" else ""
