"""Parameters of a url that say how a reader came, and nothing of what is read.

The names that are left out on purpose, as other sites name their articles by them, are in
``docs/urls.md``.
"""

import re
from collections.abc import Iterator
from typing import Final
from urllib.parse import unquote

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
        *("igshid", "igsh", "mibextid", "rdt_cid", "tblci", "dicbo", "epik", "irclickid"),
        *("wickedid", "rb_clickid", "s_kwcid", "_openstat"),
        # Google Analytics, across domains and before utm
        *("_ga", "_gl", "ga_source", "ga_medium", "ga_campaign", "ga_content", "ga_term"),
        # Matomo under its former name
        *("pk_campaign", "pk_kwd", "pk_keyword", "pk_source", "pk_medium", "pk_content", "pk_cid"),
        *("matomo_campaign", "matomo_kwd", "piwik_campaign", "piwik_kwd"),
        # Newsletters: Mailchimp, HubSpot, Marketo, Omeda, Vero, MailerLite, Drip, Klaviyo, beehiiv
        *("mc_cid", "mc_eid", "_hsenc", "_hsmi", "__hssc", "__hstc", "__hsfp", "hsctatracking"),
        *("mkt_tok", "oly_anon_id", "oly_enc_id", "vero_id", "vero_conv"),
        *("ml_subscriber", "ml_subscriber_hash", "__s", "_kx", "_bhlid", "ck_subscriber_id"),
        # Publishers' analytics: Adobe, Piano (AT Internet), Comscore, Webtrekk, Yahoo, Echobox
        *("cmpid", "s_cid", "xtor", "at_medium", "at_campaign", "at_campaign_type", "at_format"),
        *("at_custom1", "at_custom2", "at_custom3", "at_custom4", "at_ptr_name", "at_bbc_team"),
        *("at_link_id", "at_link_type", "at_link_origin", "ns_mchannel", "ns_source"),
        *("ns_campaign", "ns_linkname", "ns_fee", "wt_mc", "wt_zmc", "echobox"),
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

_LONGEST_NAME: Final = 200
"""Characters of a name that are looked at: more than the longest name has."""


# Where the value of a parameter ends that somebody appended to a query, or a query to it.
_APPENDED = re.compile(r"(?=(?:[?;]|%3[Ff])[^?;=&]{1,40}=)")
_SEPARATOR = re.compile(r"[?;]|%3[Ff]")


def parameters(query: str) -> Iterator[str]:
    """Give the parameters of a query, as they stand there, without those that only track.

    A tracking parameter ends where another one begins, be it after a second question mark or a
    semicolon: ``utm_source=rss?id=7`` leaves ``id=7``. What was cut off its value at a bare
    ampersand (``utm_campaign=gadgets & lifestyle``) goes with it.
    """
    after_tracking = False
    for item in query.split("&"):
        if after_tracking and item.startswith(("%20", "+")) and "=" not in item:
            continue
        first, *appended = _APPENDED.split(item)
        kept = [part for part in appended if not is_tracking(_SEPARATOR.sub("", part, count=1))]
        after_tracking = is_tracking(first)
        if after_tracking:
            first = _SEPARATOR.sub("", kept.pop(0), count=1) if kept else ""
        if item := first + "".join(kept):
            yield item


def is_tracking(parameter: str) -> bool:
    """Tell whether a parameter, as it stands in a url (``name=value``), only tracks the reader."""
    name = unquote(parameter[:_LONGEST_NAME].partition("=")[0]).lower()
    return name in TRACKING_PARAMETERS or name.startswith(TRACKING_PREFIXES)
