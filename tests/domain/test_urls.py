"""What makes two urls the same page, and what keeps them apart."""

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from url_normalize import url_normalize

from newsapi_dentsu.domain.urls import (
    _ALREADY_NORMAL,
    MAX_URL_LENGTH,
    TRACKING_PARAMETERS,
    TRACKING_PREFIXES,
    canonical_url,
    usable_url,
)

PAGE = "https://example.com/news/story"

# A shared machine can take long over any one example.
UNHURRIED = settings(deadline=None)


@pytest.mark.parametrize(
    ("spelling", "canonical"),
    [
        # scheme and authority
        ("http://example.com/news/story", PAGE),
        ("HTTPS://Example.COM/news/story", PAGE),
        ("https://www.example.com/news/story", PAGE),
        ("https://www.www.example.com/news/story", PAGE),
        ("https://example.com./news/story", PAGE),
        ("http://example.com:80/news/story", PAGE),
        ("https://example.com:443/news/story", PAGE),
        ("http://example.com:443/news/story", PAGE),
        ("https://example.com:/news/story", PAGE),
        ("https://reader:secret@example.com/news/story", PAGE),
        ("https://MÜNCHEN.de/a", "https://xn--mnchen-3ya.de/a"),
        ("https://xn--mnchen-3ya.de/a", "https://xn--mnchen-3ya.de/a"),
        ("https://faß.de/a", "https://xn--fa-hia.de/a"),
        ("https://[2001:DB8::1]:8080/a", "https://[2001:db8::1]:8080/a"),
        ("http://localhost:8000/a", "https://localhost:8000/a"),
        # path
        ("https://example.com", "https://example.com/"),
        ("https://example.com?p=1", "https://example.com/?p=1"),
        ("https://example.com/news/story/", PAGE),
        ("https://example.com//news///story//", PAGE),
        ("https://example.com/./old/../news/%2e/story", PAGE),
        ("https://example.com/%6Eews/st%6fry", PAGE),
        ("https://example.com/a%2fb", "https://example.com/a%2Fb"),
        ("https://example.com/記事", "https://example.com/%E8%A8%98%E4%BA%8B"),
        ("https://example.com/e\u0301", "https://example.com/%C3%A9"),
        ("https://example.com/%E9", "https://example.com/%E9"),
        ("https://example.com/100%", "https://example.com/100%25"),
        ("https://example.com/news/story;jsessionid=0A1B", PAGE),
        ("https://example.com/news/story/;JSESSIONID=0A1B/", PAGE),
        # query
        ("https://example.com/news/story?", PAGE),
        ("https://example.com/news/story?&&", PAGE),
        ("https://example.com/news/story/?b=2&a=1", f"{PAGE}?a=1&b=2"),
        ("https://example.com/news/story?q=a%20b", f"{PAGE}?q=a+b"),
        ("https://example.com/news/story?q=%c3%a9%7e", f"{PAGE}?q=%C3%A9~"),
        ("https://example.com/news/story?id=1&amp;page=2", f"{PAGE}?id=1&page=2"),
        ("https://example.com/news/story?id=1&amp;amp;utm_id=2", f"{PAGE}?id=1"),
        ("https://example.com/news/story?utm_source=x&id=1&UTM_Whatever=y", f"{PAGE}?id=1"),
        ("https://example.com/news/story?utm%5Fsource=x", PAGE),
        ("https://example.com/news/story?fbclid", PAGE),
        # fragment
        ("https://example.com/news/story#comments", PAGE),
        ("https://example.com/news/story#:~:text=word", PAGE),
        ("https://example.com/news/story#", PAGE),
        ("https://example.com/news/story#!", PAGE),
        ("https://example.com/news/story#/", PAGE),
        ("https://example.com/#!/story/1", "https://example.com/?_escaped_fragment_=/story/1"),
        ("https://example.com/#/story/1", "https://example.com/#%2Fstory%2F1"),
        # surroundings
        (" https://example.com/news/story\n", PAGE),
    ],
)
def test_spellings_of_a_page_have_one_canonical_url(spelling: str, canonical: str) -> None:
    assert canonical_url(spelling) == canonical
    assert canonical_url(canonical) == canonical


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("https://example.com/a", "https://example.com/A"),
        ("https://example.com/a", "https://example.com/a.html"),
        ("https://example.com/", "https://example.com/index.html"),
        ("https://example.com/a%2Fb", "https://example.com/a/b"),
        ("https://example.com/a%3Fb", "https://example.com/a?b"),
        ("https://example.com/%2541", "https://example.com/A"),
        ("https://example.com/a?q=1%262", "https://example.com/a?q=1&2"),
        ("https://example.com/a?q=1%2B2", "https://example.com/a?q=1+2"),
        ("https://example.com/a;id=1", "https://example.com/a;id=2"),
        ("https://example.com/a?id=1&id=2", "https://example.com/a?id=1"),
        ("https://example.com/#!/story/1", "https://example.com/#!/story/2"),
        ("https://example.com/#/story/1", "https://example.com/#/story/2"),
        ("https://example.com/a", "https://example.com:8080/a"),
        ("https://example.com/a", "https://m.example.com/a"),
        ("https://example.com/a", "https://amp.example.com/a"),
        ("https://example.com/a", "https://example.com/a/amp"),
        ("https://example.com/a", "https://www2.example.com/a"),
        ("https://fass.de/a", "https://faß.de/a"),
        ("https://www.com/a", "https://com/a"),
    ],
)
def test_different_pages_stay_apart(one: str, other: str) -> None:
    assert canonical_url(one) != canonical_url(other)


@pytest.mark.parametrize(
    "name",
    # Each is tracking on some site, and names the article on another.
    [
        *("id", "p", "ref", "source", "src", "cid", "sid", "s", "from", "page", "lang", "mc"),
        *("cmp", "spm", "icid", "ncid", "amp"),
        *("utm", "gclid2", "story_utm_source", "at_id", "pk_id", "ns_id"),  # close to known names
    ],
)
def test_parameters_that_may_name_the_article_are_kept(name: str) -> None:
    assert canonical_url(f"{PAGE}?{name}=1") != canonical_url(f"{PAGE}?{name}=2")


@pytest.mark.parametrize(
    "name", sorted(TRACKING_PARAMETERS | {f"{prefix}anything" for prefix in TRACKING_PREFIXES})
)
def test_tracking_parameters_are_removed(name: str) -> None:
    assert name == name.lower()
    assert canonical_url(f"{PAGE}?{name}=x&id=1&{name.upper()}=y") == f"{PAGE}?id=1"


@pytest.mark.parametrize(
    "value",
    [
        None,
        1,
        b"https://example.com/",
        "",
        "  ",
        "example.com/a",
        "//example.com/a",
        "/a",
        "ftp://example.com/a",
        "javascript:alert(1)",
        "mailto:a@example.com",
        "http:",
        "http://",
        "http:///a",
        "https:example.com",
        "https://?a=1",
        "https://#a",
        "https://./a",
        "https://:80/a",
        "https://user@/a",
        "https://exa mple.com/a",
        "https://example.com/a b",
        "https://example.com/a\tb",
        "https://example.com/\u00a0b",
        "https://example.com/\x00",
        "https://example.com/\x85b",
        "https://example.com/\ud800",
        "https://example.com\\@other.com/",
        "https://ex%41mple.com/a",
        "https://example.com:abc/a",
        "https://example.com:99999/a",
        "https://[::1/a",
        "https://" + "a" * 64 + ".com/",
        "https://example.com/" + "a" * MAX_URL_LENGTH,
        "https://example.com/" + "記" * 300,  # short enough as given, not as nine bytes each
    ],
)
def test_anything_else_is_not_usable(value: object) -> None:
    assert usable_url(value) is None
    if isinstance(value, str):
        with pytest.raises(ValueError, match=r"."):
            canonical_url(value)


def test_a_usable_url_is_given_back_as_people_click_it() -> None:
    assert usable_url(" http://www.Example.com/a?utm_source=x#y ") == (
        "http://www.Example.com/a?utm_source=x#y"
    )


def test_the_longest_url_is_usable_and_one_more_is_not() -> None:
    longest = "https://example.com/".ljust(MAX_URL_LENGTH, "a")
    assert usable_url(longest) == longest
    assert usable_url(longest + "a") is None


HOSTS = st.sampled_from(
    ["example.com", "www.example.co.uk", "WWW.Münster.de", "user:p@a.b", "[::1]", "www.com", "a..b"]
)
PIECES = st.sampled_from(
    [
        *(
            *"/?#&=;:@!+.%~\\'|",
            "//",
            "/../",
            "/./",
            "/..",
            "%2F",
            "%2e",
            "%20",
            "%25",
            "%26",
            "%3B",
        ),
        *("%3D", "%E9", "%C3%A9", "%C3", "é", "e\u0301", "\u0338", "\u037e", "記", "&amp;", "amp;"),
        *(
            "&am%70;",
            "utm_a=1",
            "utm%5Fb",
            "fbclid=",
            ";jsessionid=",
            "#!",
            "#/",
            "a",
            "b=1",
            "a=b=c",
        ),
        *("_escaped_fragment_=", ":80", ":443", ":8080", "www.", "[", "]", "\u200b", "a=%20z&a=!b"),
    ]
)
URLS = st.builds(
    lambda scheme, host, rest: f"{scheme}://{host}{''.join(rest)}",
    st.sampled_from(["http", "https", "HTTP"]),
    HOSTS,
    st.lists(PIECES | st.text(max_size=3), max_size=12),
)


@UNHURRIED
@given(URLS)
def test_canonical_urls_are_their_own_canonical_urls(url: str) -> None:
    assume(usable_url(url))
    canonical = canonical_url(url)
    assert canonical.isascii()
    assert usable_url(canonical) == canonical
    assert canonical_url(canonical) == canonical


@UNHURRIED
@given(st.text() | URLS)
def test_any_text_is_usable_or_none(text: str) -> None:
    url = usable_url(text)
    if url is None:
        with pytest.raises(ValueError, match=r"."):
            canonical_url(text)
    else:
        assert canonical_url(url) == canonical_url(text)


LABELS = st.text("ab09-", min_size=1, max_size=64)
PLAIN_URLS = st.builds(
    "{}://{}/{}".format,
    st.sampled_from(["http", "https"]),
    st.lists(LABELS, min_size=2, max_size=4).map(".".join),
    st.text("aZ09._~,-/?&=+:", max_size=20),
).filter(_ALREADY_NORMAL.fullmatch)


@UNHURRIED
@given(PLAIN_URLS)
def test_urls_taken_for_normal_are_left_alone_by_the_library(url: str) -> None:
    assert url_normalize(url) == url


NAMES = st.from_regex(r"[a-zA-Z0-9_]{1,8}", fullmatch=True).filter(
    lambda name: (
        name.lower() not in TRACKING_PARAMETERS and not name.lower().startswith(TRACKING_PREFIXES)
    )
)
VALUES = st.from_regex(r"[a-zA-Z0-9._~-]{1,8}|%C3%A9|%26|%3D", fullmatch=True)
PARAMETERS = st.lists(st.builds("{}={}".format, NAMES, VALUES), min_size=1, max_size=5)


@UNHURRIED
@given(PARAMETERS, st.lists(st.sampled_from(sorted(TRACKING_PARAMETERS)), max_size=4), st.data())
def test_order_and_tracking_make_no_difference_but_every_other_parameter_does(
    parameters: list[str], tracking: list[str], data: st.DataObject
) -> None:
    shuffled = data.draw(st.permutations(parameters + [f"{name}=1" for name in tracking]))
    canonical = canonical_url(f"{PAGE}?{'&'.join(shuffled)}")
    assert sorted(canonical.partition("?")[2].split("&")) == sorted(parameters)
    assert canonical == canonical_url(f"{PAGE}?{'&'.join(parameters)}")
