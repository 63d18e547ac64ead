"""What a reader sees of bodies with markup, of bodies that speak of markup, and of neither."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from newsapi_dentsu.domain.text import clean_text, clean_title


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        # code and comments
        ("<script>var a = '<p>';</script>Text", "Text"),
        ("<SCRIPT type=module>\nrun()\n</SCRIPT >Text", "Text"),
        ("<style>p > a { color: red }</style>Text", "Text"),
        ("One<!-- no <b>one</b> sees this -->Two", "OneTwo"),
        ("<!--[if IE]><p>Old</p><![endif]-->New", "New"),
        ("<!DOCTYPE html><html><head><title>T</title></head><body><p>Text</body></html>", "Text"),
        ('<?xml version="1.0"?><p>Text</p>', "Text"),
        ('<?php echo "a > b"; ?>Text', "Text"),
        ("<![CDATA[<p>R&D & text</p>]]>", "R&D & text"),
        ("<![CDATA[Plain & simple]]>", "Plain & simple"),
        ("One<!-- <![CDATA[ two ]]> -->Three", "OneThree"),
        # what browsers show something else for
        ('<iframe src="https://v.example/1" allowfullscreen></iframe>Text', "Text"),
        ("<video controls><source src=v.mp4>Get a browser.</video>Text", "Text"),
        ("<noscript><img src=1.gif></noscript>Text", "Text"),
        ('<svg><title>Icon</title><path d="M0 0"/></svg>Text', "Text"),
        ("<template><p>{{ name }}</p></template>Text", "Text"),
        # ... and what it held apart stays apart
        *(
            (f"Intro{embedded}Outro", "Intro Outro")
            for embedded in (
                *("<iframe src=x></iframe>", "<script>x()</script>", "<video src=x></video>"),
                *("<object data=x>Old</object>", "<svg><path/></svg>", "<img src=x>"),
                *("<embed src=x>", "<button></button>", "<style>p{}</style>", "<audio></audio>"),
                *("<map><area href=x></map>", "<canvas>Old</canvas>", "<noscript>Old</noscript>"),
                *("<progress></progress>", "<textarea></textarea>"),
            )
        ),
        ("“Intro<script>x()</script>.” Outro<iframe></iframe>!", "“Intro.” Outro!"),
        # text of elements
        ("<button>Share</button>Text", "Share Text"),
        ("<p hidden>Text</p>", "Text"),
        ('<p title="a > b">Text</p>', "Text"),
        ("<a href=\"/x\"class='y'>Text</a>", "Text"),
        ('<p class="x" data-all=\'{"a": "<b>"}\'>Text</p>', "Text"),
        ("<P>One<P>Two", "One\n\nTwo"),
        ("One<br/>Two<BR>Three <br> Four", "One\nTwo\nThree\nFour"),
        ("<ul><li>One<li>Two</ul>", "One\n\nTwo"),
        ("<h2>Title</h2>Text", "Title\n\nText"),
        ("<table><tr><th>A</th><th>B</th></tr><tr><td>1<td>2</table>", "A B\n1 2"),
        ("<textarea>Te<xt></textarea>", "Te<xt>"),
        ("<details open><summary>One</summary>Two</details>", "One\n\nTwo"),
        ("adver<wbr>tis<b>ing</b>", "advertising"),
        ("<o:p></o:p>Text <fb:like href='x'>", "Text"),
        ("text of a teaser</p>", "text of a teaser"),
        ("<marquee>One</marquee> two <blink>three</blink>", "One two three"),
        ("One</br>Two<br / >Three", "One\nTwo\nThree"),
        ("One<br></br>Two<br>three</br>four", "One\nTwo\nthree\nfour"),
        ("<layer>One</layer><keygen>Two <listing>three</listing>", "OneTwo three"),
        ("<picture><source srcset=x><img src=x></picture>Text", "Text"),
        (
            "<math><mi>x</mi><annotation encoding='tex'>\\x</annotation></math> goes up",
            "x goes up",
        ),
        # end tags without a beginning
        ("<p>One</p> </div> Two", "One\n\nTwo"),
        ("One </div> <p>Two</p>", "One\n\nTwo"),
        ("<b>One</b> two</span> </div> three", "One two\n\nthree"),
        # what was cut off takes nothing with it
        ("<p>Come <Oct 20th to get a <b>badge</b></p>", "Come <Oct 20th to get a badge"),
        ("<p>If a <b and c then <i>stop</i></p>", "If a <b and c then stop"),
        ("<p class <b>One</b>", "One"),
        ("<p>One</p><script>alert(1)", "One"),
        ('Text <a href="https://e.exam', "Text"),
        ('<a href="https://e.example>link</a> and "more" <b>text</b>', 'link and "more" text'),
        ("<p>One<script src=x.js><p>Two", "One\n\nTwo"),
        ("<p>One</p><script>if (a) { b = 1;", "One"),
        ("<p>One</p><!-- Two", "One\n\nTwo"),
        ("<title>One <b>two</b>", "One two"),
        # escaped as a whole
        ("&lt;p&gt;One&lt;/p&gt;&lt;p&gt;Two &amp;amp; three&lt;/p&gt;", "One\n\nTwo & three"),
        ("&amp;lt;p&amp;gt;One&amp;lt;/p&amp;gt;", "One"),
        ("One&lt;br&gt;Two", "One\nTwo"),
        ("One &lt;br /&gt; Two", "One\nTwo"),
        ("Text &lt;img src='x' alt=''&gt; text", "Text text"),
        ("Text <a href='x'> link </a> text", "Text link text"),
        ("<p>We love the <img src='x' class='emoji'> here</p>", "We love the here"),
        ("<link rel='stylesheet' href='x'> <p>Text</p>", "Text"),
        # a page escaped in a page
        ("<div>&lt;p&gt;One&lt;/p&gt;\n\n&lt;p&gt;Two&lt;/p&gt;</div>", "One\n\nTwo"),
        ("<p>One</p>&lt;p&gt;Two &amp;amp; three&lt;/p&gt;", "One\n\nTwo & three"),
        ("<p>One</p>&amp;lt;p&amp;gt;Two&amp;lt;/p&amp;gt;", "One\n\nTwo"),
        ("<p>One&lt;br&gt;Two</p>", "One\nTwo"),
        ("<p>One &lt;iframe src='x' allowfullscreen&gt;&lt;/iframe&gt; two</p>", "One two"),
        # formatting that was escaped once too often
        ("<p>&lt;strong&gt;PORTO&lt;/strong&gt; – It opened.</p>", "PORTO – It opened."),
        ("<p>The &lt;em&gt;Brand Times&lt;/em&gt; told it.</p>", "The Brand Times told it."),
        ("<p>Agencies use &lt;b&gt;Model X&lt;/b&gt; daily.</p>", "Agencies use Model X daily."),
        ("<p>“&lt;em&gt;Never&lt;/em&gt;,” he said</p>", "“Never,” he said"),
        ("<p>A list of &lt;a href='x'&gt;names&lt;/a&gt;.</p>", "A list of names."),
        ("<p>CO&lt;sub&gt;2&lt;/sub&gt;, 10&lt;SUP&gt;6&lt;/SUP&gt;</p>", "CO2, 106"),
        ("<p>&lt;b&gt;&lt;i&gt;Deep&lt;/i&gt;&lt;/b&gt; and done</p>", "Deep and done"),
        ("<p>&amp;lt;strong&amp;gt;Lead&amp;lt;/strong&amp;gt; text</p>", "Lead text"),
        ("<p>&lt;em&gt;Tag Ode&lt;/em&gt; opened a shop.</p>", "Tag Ode opened a shop."),
        ("<p>&lt;b&gt;Price tags&lt;/b&gt; talk.</p>", "Price tags talk."),
        ("<p>One.&lt;br /&gt;Two.&lt;br&gt;&lt;br&gt;Three</p>", "One.\nTwo.\n\nThree"),
        ("<div>One. &lt;p&gt;Two.&lt;/p&gt;</div>", "One.\n\nTwo."),
        ("<p>One&lt;/p&gt;&lt;p&gt;Two</p>", "One\n\nTwo"),
        ("<p>We &lt;3 it, &lt;b&gt;all of it&lt;/b&gt;</p>", "We <3 it, all of it"),
        ("One]]>", "One"),
        ("One]]&gt;", "One"),
        ("<![CDATA[ One ]]", "One"),
        ("&lt;![CDATA[<p>One</p>]]&gt;", "One"),
        ("&amp;lt;![CDATA[<p>One</p>]]&amp;gt;", "One"),
        ("&lt;![CDATA[&lt;p&gt;One&lt;/p&gt;]]&gt;", "One"),
        ("Two lines <br> In a poem", "Two lines\nIn a poem"),
    ],
)
def test_markup_goes_and_text_stays(raw: str, clean: str) -> None:
    assert clean_text(raw) == clean


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        ("How the &lt;article&gt; and &lt;b&gt; tags help", None),
        ("The &lt;b&gt; and &lt;/b&gt; pair", None),
        ("<title> and <h1> say the same", None),
        ('The <br> tag, the "<hr>" and (<p>)', None),
        ("<p>The <code>&lt;b&gt;x&lt;/b&gt;</code> pair</p>", "The <b>x</b> pair"),
        ("<p>Keep <main> and <x y=1> in it</p>", "Keep <main> and <x y=1> in it"),
        ('Put `<a href="x">` or `<div hidden>` there', None),
        ("<p>Put `&lt;br /&gt;` there</p>", "Put `<br />` there"),
        ("Banish the <div. Use <article, <section, not <h1 or worse", None),
        ("a < b and c > d, x<y, x <b and c> y", None),
        ("I <3 you </3 him > her, <3", None),
        ("Write to <jane@example.org> or <https://e.example/?a=b>", None),
        ("List<String> and Map<String, List<Integer>>", None),
        ("Corp <XOM.N>, <EUR=EBS> fell; <unknown> rose", None),
        ("<p>Corp <XOM.N> fell</p>", "Corp <XOM.N> fell"),
        ("cmd --to <ids> <ISO UTC> > out.txt", None),
        ("**bold**, [link](https://e.example) and # title", None),
        ('[caption id="a1"]A caption[/caption]', None),
        ("AT&T, R&D, ?a=1&copy=2&lt=3, &unknown;", None),
        ("One&nbsp Two&nbsp;Three, it&#39s", "One Two Three, it's"),
        ("if (a &lt; b &amp;&amp; c &gt; d)", "if (a < b && c > d)"),
        ("a private \ufdd0script> sign", "a private script> sign"),
        # tags with attributes
        ('Use &lt;p hidden&gt; and &lt;div class="x"&gt; there', None),
        ('Use &lt;a href="x"&gt; and &lt;/a&gt; to link', None),
        ('Give every &lt;img src="x" alt=""&gt; an alternative', None),
        ("HTML5 has <video controls>, <audio> and <canvas>.", None),
        ("Set <html lang='en'> on every page", None),
        ("The <title> is cut, the <h1 class='a'> stays", None),
        ("Wrap it in <div class='x'>...</div> and go", None),
        *(
            (title, None)
            for title in (
                *("Is <br> dead?", "What does <br /> do?", "<br> or <p>?", "Is <hr> dead?"),
                *("<dialog>: a manual", "</body> is optional", "</kubernetes>", "no <blink>"),
                *("Styling <input type='range'> now", "<<<Tutorial>>>", "<animate [etc.]>?"),
                *("unship: <a> as <area> in maps", "HTML: <b>, <i> & <u>", "vector<int> or <T>"),
            )
        ),
        # beside markup
        ("<p>Use <code><b></code> here</p>", "Use <b> here"),
        ("<p>Use <b> for <b>bold</b></p>", "Use <b> for bold"),
        ("<p>Put </head> <b>before</b> it</p>", "Put </head> before it"),
        ("<p>Use </u> </i> to end <b>it</b></p>", "Use </u> </i> to end it"),
        ("<p>Use the <b> and </b> pair</p>", "Use the <b> and </b> pair"),
        ("<p>The <br> tag and the <img> tag</p>", "The <br> tag and the <img> tag"),
        ("<p>HTML5 has <video controls> and <map></p>", "HTML5 has <video controls> and <map>"),
        # escaped beside markup
        ("<p>Use &lt;b&gt;bold&lt;/b&gt; for bold</p>", "Use <b>bold</b> for bold"),
        ("<p>Write &lt;div class='x'&gt;One&lt;/div&gt;.</p>", "Write <div class='x'>One</div>."),
        ("<p>An &lt;img src='x'&gt; here</p>", "An <img src='x'> here"),
        ("<p>Write &amp;lt;b&amp;gt; to show &lt;b&gt;</p>", "Write <b> to show <b>"),
        ("&lt;p&gt;The &amp;lt;b&amp;gt;b&amp;lt;/b&amp;gt; tag&lt;/p&gt;", "The <b>b</b> tag"),
        ("<p>In HTML, &lt;b&gt;this one&lt;/b&gt; is bold</p>", "In HTML, <b>this one</b> is bold"),
        ("<p>The &lt;b&gt;this one&lt;/b&gt; element</p>", "The <b>this one</b> element"),
        (
            "<p>The tags &lt;b&gt;one&lt;/b&gt; and &lt;i&gt;two&lt;/i&gt;</p>",
            "The tags <b>one</b> and <i>two</i>",
        ),
        ("<p>You can use &lt;u&gt;this one&lt;/u&gt;.</p>", "You can use <u>this one</u>."),
        ("<p>&lt;em&gt;text&lt;/em&gt; is slanted</p>", "<em>text</em> is slanted"),
        ("<p>Close &lt;em&gt;…&lt;/em&gt; again</p>", "Close <em>…</em> again"),
        ("<p>Not `&lt;b&gt;this one&lt;/b&gt;`</p>", "Not `<b>this one</b>`"),
        (
            "<p>Both &lt;b&gt; and &lt;em&gt;, as &lt;b&gt;this one&lt;/b&gt;</p>",
            "Both <b> and <em>, as <b>this one</b>",
        ),
        ("<ul><li>&lt;p&gt; is for paragraphs</ul>", "<p> is for paragraphs"),
        ("<p>Use &lt;div&gt;s for layout</p>", "Use <div>s for layout"),
        ("<b>Note</b>: &lt;br&gt; between &lt;br&gt; lines", "Note: <br> between <br> lines"),
    ],
)
def test_what_only_looks_like_markup_stays(raw: str, clean: str | None) -> None:
    if clean is None:
        clean = raw.replace("&lt;", "<").replace("&gt;", ">")
    assert clean_text(raw) == clean


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        ("&lt;script&gt;alert(1)&lt;/script&gt;Text", "Text"),
        ("<p>See &lt;script&gt;alert(1)&lt;/script&gt; here</p>", "See here"),
        ("&amp;lt;script&amp;gt;alert(1)&amp;lt;/script&amp;gt;Text", "Text"),
        ("Put the &lt;script&gt; tag last", "Put the ‹script› tag last"),
        ("<code>&lt;script&gt;x()&lt;/script&gt;</code>", "‹script›x()‹/script›"),
        ("&lt;img src=x onerror=alert(1)&gt;Text", "Text"),
        ("<scr\x00ipt>alert(1)</scr\u200bipt>Text", "Text"),
        ("&lt;scr&#8203;ipt&gt;alert(1)", "‹script›alert(1)"),
        (
            "Put &lt;meta name=robots content=noai&gt; into the &lt;head&gt;",
            "Put ‹meta name=robots content=noai› into the <head>",
        ),
        (
            "<p>Put &lt;meta name=robots content=noai&gt; into the &lt;head&gt;</p>",
            "Put ‹meta name=robots content=noai› into the <head>",
        ),
        (
            "<p>Code between <script> and </script> tags</p>",
            "Code between ‹script› and ‹/script› tags",
        ),
        ("Add &lt;script src=x&gt;&lt;/script&gt; there", "Add ‹script src=x›‹/script› there"),
        ("a <iframe , b", "a ‹iframe , b"),
    ],
)
def test_escaped_code_never_becomes_code(raw: str, clean: str) -> None:
    assert clean_text(raw) == clean


HIDDEN = "style='height:0; display: none'"


@pytest.mark.parametrize(
    "hidden",
    [
        f"<textarea {HIDDEN}>.ad{{color:red}}</textarea>",
        "<textarea hidden>var ad = 1;</textarea>",
        "<textarea style=visibility:hidden>&lt;iframe src=x&gt;&lt;/iframe&gt;</textarea>",
        "<textarea>&lt;style&gt;p{}&lt;/style&gt;</textarea>",
        f"<textarea {HIDDEN}><script>x()</script></textarea>",
        f"&lt;textarea {HIDDEN}&gt;p{{}}&lt;/textarea&gt;",
        f"<div {HIDDEN}>.ad > p {{color: red}}</div>",
        f"<div {HIDDEN}><div>p</div><div>.ad{{color:red}}</div></div>",
        "<span hidden>function ad() { return 1; } ad();</span>",
        f"<pre {HIDDEN}>p{{color:red}}</pre>",
        "<select hidden><option>1<option>2</select>",
        "<select><option>&lt;script&gt;x()&lt;/script&gt;</option></select>",
        "<object><object>p</object>Get a browser</object>",
        "<template><template>p</template>{{ ad }}</template>",
        "<noscript>&lt;style&gt;p{}&lt;/style&gt;&lt;img src=x&gt;</noscript>",
        "<svg><style>&lt;![CDATA[p{a:b}]]&gt;</style></svg>",
        "&lt;noscript&gt;&lt;img src='x'/&gt;&lt;/noscript&gt;",
        "<input type=hidden value='&lt;script&gt;x()&lt;/script&gt;'>",
    ],
)
def test_what_an_element_hides_is_gone(hidden: str) -> None:
    assert clean_text(f"<p>One</p>{hidden}<p>Two</p>") == "One\n\nTwo"


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        (f"<div {HIDDEN}>The rest: it goes on.</div>", "The rest: it goes on."),
        ("<textarea>Text</textarea>", "Text"),
        ("<p style='overflow:hidden'>A set {a: 1}</p>", "A set {a: 1}"),
        ("<p>A set {a: 1}</p>", "A set {a: 1}"),
        ("<details hidden><summary>One</summary>Two</details>", "One\n\nTwo"),
    ],
)
def test_text_that_only_waits_to_be_shown_stays(raw: str, clean: str) -> None:
    assert clean_text(raw) == clean


@pytest.mark.parametrize(
    "title",
    [
        *("How to style <input type='range'>", "Accessible <input type='file'/>", "Never <input>"),
        *("From <input type='range'> to <input type='date'>", "<input type='date'> is here"),
        *(
            "Use <select multiple>",
            "Meet <dialog open>",
            "The case for <details>",
            "The end of <br>",
        ),
        *(
            "Ads < AI",
            "a<b",
            "Ads <b2b> now",
            "AI <human",
            "Growth <10%",
            "News <",
            "<",
            "< 5 ways",
        ),
        *("<<< news >>>", "C <- D <> E", "I <heart> ads", "<insert brand here> wins", "Don't <a"),
        *("Ads <5s & >30s", "A < B > C", "We <3 <input>", "R&D < 5% & falling"),
    ],
)
def test_a_title_loses_nothing_to_its_brackets(title: str) -> None:
    assert clean_title(title) == title
    assert clean_title(title.replace("<", "&lt;").replace(">", "&gt;")) == title


def test_titles_lose_markup_alike() -> None:
    assert clean_title("Ads now <img src='x' width=1>") == clean_title("Ads now<br/>") == "Ads now"
    assert clean_title("<b>Ads &amp; AI</b><br>now") == "Ads & AI now"
    assert clean_title("How the &lt;b&gt; tag helps") == "How the <b> tag helps"
    assert clean_title("Is <br> dead?") == "Is <br> dead?"


WORDS = st.text("abcxyz", min_size=1, max_size=5)
ELEMENTS = st.sampled_from(["p", "b", "em", "div", "span", "li", "strong", "article", "h2", "a"])
ATTRIBUTES = st.sampled_from(["", " hidden", ' title="a > b"', " class='x'id=y", " data-x"])
INVISIBLE = st.sampled_from(
    ["<!-- x -->", "<script>a<b</script>", "<style>p{}</style>", "<iframe src=x></iframe>"]
)


@settings(deadline=None)
@given(st.lists(st.tuples(ELEMENTS, ATTRIBUTES, WORDS, INVISIBLE), min_size=1, max_size=8))
def test_all_words_of_any_page_stay_and_nothing_else(
    parts: list[tuple[str, str, str, str]],
) -> None:
    page = " ".join(
        f"<{element}{attributes}>{word}{invisible}</{element}>"
        for element, attributes, word, invisible in parts
    )
    assert clean_text(page).split() == [word for _, _, word, _ in parts]


PIECES = st.sampled_from(
    [
        *"<>/!?-=\"'& ax\n",
        *("<p>", "</p>", "<b ", "<!--", "-->", "<![CDATA[", "]]>", "<?php", "?>", "</>"),
        *("<script>", "</script>", "<title>", "&lt;", "&gt;", "&amp;", "&#0;", "\x00", "\r\n"),
    ]
)


@settings(deadline=None)
@given(st.lists(PIECES, max_size=30).map("".join))
def test_no_rubbish_stops_the_reading_or_leaves_code(rubbish: str) -> None:
    assert "<script" not in clean_text(rubbish + "<p>end").casefold()
    assert "<script" not in clean_text(rubbish).casefold()
