"""A text is dropped only when whoever has the kept one has its news, be it one sentence."""

import pytest

from newsapi_dentsu.domain.comparison import compare
from newsapi_dentsu.domain.novelty import evidence
from newsapi_dentsu.domain.similarity import prepare

LEAD = (
    "A chemical plant on the edge of Brackwater burned through the night after a tank exploded, "
    "and firefighters were still pouring foam on the ruins at dawn."
)
MIDDLE = (
    "The blast shook windows across the river shortly before ten in the evening. Residents of two "
    "streets were led to a school gymnasium, where volunteers handed out blankets and tea. The "
    "plant makes solvents for the paint industry and employs four hundred people, most of whom "
    "had left for the weekend. Its owner, Lorne Chemicals, said that all night workers were "
    "accounted for and that the cause was not known.\n"
    "The mayor asked people to keep their windows shut until the smoke had been measured. Schools "
    "east of the river stayed closed, and trains passed through the town without stopping. An "
    "inspector of the labour office said that the plant was last visited in the spring and that "
    "nothing unusual had been noted. Neighbours remembered a smaller fire behind the warehouse "
    "eight years ago, after which the company was told to move its tanks further apart.\n"
    "By the early morning the flames were under control, the fire chief told reporters at the "
    "gate. He praised the crews from five towns, who shared hoses and a single pumping station. "
    "The river authority laid booms across the harbour mouth to hold back the foam, and fishermen "
    "were asked to stay in port. A hotline for relatives was opened at the town hall."
)
REPORT = f"{LEAD}\n{MIDDLE}"
TITLE = "Fire destroys chemical plant in Brackwater"


def dropped(
    later: str, title: str = TITLE, earlier: str = REPORT, earlier_title: str = TITLE
) -> bool:
    found = compare(
        prepare(earlier, earlier_title, "one.example"), prepare(later, title, "two.example")
    )
    return found is not None and found.degree == "copy"


@pytest.mark.parametrize(
    "news",
    [
        "Rescuers later pulled the bodies of three welders from a cellar beneath the collapsed "
        "boiler house.",
        "A group that calls itself Clean Tide claimed responsibility in a letter sent to a "
        "radio station.",
        "Dock unions in Hallport and Estermouth announced that their members would walk out in "
        "sympathy on Friday.",
        "Prosecutors have charged the maintenance manager, Idris Vane, with falsifying two "
        "pressure certificates.",
        "Correction: an earlier version of our report wrongly gave the damage as nine million; it "
        "is ninety million.",
        "Funeral services for foreman Osric Bell will be held at St. Anne's chapel next Thursday "
        "afternoon.",
        "“Our colleagues in the Northern region grieve with everybody there,” added sales "
        "director Priya Nandakumar.",
        "Environment minister Tove Lindqvist cut short her holiday, calling the disaster a "
        "wake-up call for regulators.",
    ],
)
@pytest.mark.parametrize("place", ["middle", "end"])
def test_a_sentence_that_tells_something_new_is_not_lost(news: str, place: str) -> None:
    first, rest = REPORT.split("Residents", 1)
    later = f"{first}{news} Residents{rest}" if place == "middle" else f"{REPORT}\n{news}"
    assert not dropped(later)
    assert not dropped(later.split("By the early morning")[0] + news)


def test_what_has_one_sentence_more_is_told_as_an_update_though_much_of_it_is_cut() -> None:
    cut = REPORT.split("\nBy the early morning")[0]
    news = (
        "Rescuers later pulled the bodies of three welders from a cellar beneath the boiler house."
    )
    found = compare(prepare(REPORT, TITLE), prepare(f"{cut} {news}", TITLE))
    assert found is not None
    assert (found.degree, found.rule) == ("update", "told")
    assert "one new sentence has" in found.reasons


@pytest.mark.parametrize(
    "line",
    [
        "Download our free guide to safer storage, with checklists that your whole team can use.",
        "Register now to learn how experts plan for accidents in the age of automation.",
        "Check out Harbour Radio's latest podcasts on everything that moves along the coast.",
        "Please check back on harbour.example and the evening programme for more details on this.",
        "You must enter the characters with dark colour that stand out from the other characters.",
        "The Tribune is not responsible for the comments that readers post below its articles.",
        "For more local coverage of the coast and its towns, visit the Tribune website every day.",
        "Una Marsh is a senior correspondent for the Harbour Tribune who writes about industry.",
        "The story Plant burns on the river first appeared on The Harbour Tribune.",
        "This column appeared in the Harbour Tribune and was distributed by Coast Content Agency.",
        "See more: Ten harbours that were lost to fires, and what became of their people since.",
        "Firefighters pour foam on the ruins of a plant in Brackwater on Saturday, May 9, 2026.",
        "In this May 2, 2026 photo, workers leave the gate of a plant in Brackwater at noon.",
        "Updated: May 9, 2026 - 12:28 PM EDT Thanks for your continued support...",
        "Harbour festival opens with fireworks as ten thousand visitors crowd the old quays",
    ],
)
def test_what_a_site_puts_between_is_no_news(line: str) -> None:
    first, rest = REPORT.split("\nThe mayor", 1)
    assert dropped(f"{first}\n{line}\nThe mayor{rest}")


@pytest.mark.parametrize(
    "line",
    [
        "The hearing is set for Monday, June 8, 2026, a clerk of the regional court said.",
        "Register now to vote, the electoral office of Brackwater told all its citizens on Friday.",
        "The owner is not responsible for the damage downstream, an arbitration panel has ruled.",
        "For more on safety, the union hired former inspector Gale Thorn, who starts on Monday.",
    ],
)
def test_a_sentence_that_begins_like_a_sites_line_is_news(line: str) -> None:
    assert not dropped(f"{REPORT}\n{line}")


def test_a_first_sentence_in_other_words_is_news_where_the_title_says_so() -> None:
    reworded = (
        "Flames devoured large parts of the Brackwater solvents factory overnight when one "
        "container blew up, keeping exhausted crews busy past sunrise."
    )
    assert dropped(f"{reworded}\n{MIDDLE}")
    arrest = (
        "Police arrested the night manager of the Brackwater plant as he boarded a ferry bound "
        "for the southern islands yesterday."
    )
    assert not dropped(f"{arrest}\n{MIDDLE}", title="Night manager arrested aboard ferry")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("Plant fire leaves 12 dead", "Plant fire leaves 14 dead"),
        ("Wheat closes at 611 cents", "Wheat closes at 642 cents"),
        ("Storm to bring 70 km/h gusts", "Storm to bring 110 km/h gusts"),
    ],
)
def test_the_text_with_the_newer_figure_is_shown(before: str, after: str) -> None:
    earlier, later = (f"{title}, it was said.\n{REPORT}" for title in (before, after))
    found = compare(prepare(earlier, before), prepare(later, after))
    assert found is not None
    assert (found.degree, found.rule) == ("fuller", "nearly_same")
    assert not dropped(later.split("\nBy the early")[0], after, earlier, before)


def test_a_number_that_only_the_title_or_a_site_name_has_is_no_figure() -> None:
    assert dropped(f"{REPORT}\nSo it was.", "Plant fire: 2 streets - Coast 24", earlier_title="1")


def test_a_live_report_needs_less() -> None:
    news = (
        "A second tank is in flames, and the chief has told all of the crews to get out of its way "
        "at once."
    )
    titles = ("The Latest: Fire destroys plant", "The Latest: Fire spreads to plant")
    assert 2 <= evidence(prepare(REPORT), prepare(f"{REPORT}\n{news}")).gained.told < 4
    usual = compare(prepare(REPORT, TITLE), prepare(f"{REPORT}\n{news}", TITLE))
    assert usual is not None
    assert usual.rule == "revised"
    assert dropped(f"{REPORT.replace('Schools east', 'Many schools east')[:1200]}\n{news}")
    assert not dropped(f"{REPORT}\n{news}", titles[1], earlier_title=titles[0])


def test_what_comes_on_the_hour_with_other_figures_is_no_copy() -> None:
    bulletin = (
        "Coastal waters from Hallport to Estermouth: winds {0} at {1} knots, easing later. Seas of "
        "{2} metres. Visibility {3} miles, less in showers. High water at the harbour mouth at "
        "{4}. Small craft should stay in port until the next bulletin is out. Pressure {5} "
        "hectopascals and {6}. Sunset is at {7}."
    )
    one = bulletin.format("northwest", 22, 3, 8, "4.12", 1009, "falling", "8.41")
    other = bulletin.format("south", 35, 5, 2, "4.58", 994, "rising", "8.43")
    assert not dropped(other, "Bulletin", one, "Bulletin")


def test_another_authors_report_of_the_match_is_another_text() -> None:
    one = (
        "Estermouth won the cup for the first time since the war when Odd Larsen headed in a late "
        "corner, two minutes after Hallport had hit the bar through their captain. The crowd was "
        "on the pitch before the whistle had died away, and the mayor danced with the goalkeeper."
    )
    other = (
        "A corner in the dying minutes settled a scrappy final. Larsen rose above two defenders to "
        "give Estermouth the trophy, cruelly for Hallport, whose captain struck the woodwork "
        "moments earlier and who had made most of the running all afternoon long in the rain."
    )
    assert compare(prepare(other, "Larsen wins it"), prepare(one, "Cup goes to Estermouth")) is None


LANGUAGES = {
    "de": (
        "Die Brücke am Hafen ist seit Montag gesperrt, weil drei Stahlseile gerissen sind. Fähren "
        "fahren zweimal pro Stunde, bis die Reparatur beendet ist. Händler am Ufer klagen über "
        "leere Läden, und Schüler müssen früher aufstehen. Die Stadt hatte das Bauwerk im Sommer "
        "schon einmal schließen lassen, damals wegen loser Geländer. Ein Gutachter soll klären, "
        "wie lange die übrigen Seile halten, und ob Lastwagen künftig einen Umweg nehmen müssen.",
        "Die Staatsanwaltschaft durchsuchte am Mittwoch Büros der Baufirma Kessel und nahm zwei "
        "Ingenieure wegen gefälschter Prüfberichte fest.",
    ),
    "es": (
        "El puente del puerto está cerrado desde el lunes porque se rompieron tres cables de "
        "acero. Los transbordadores salen cada veinte minutos hasta que acabe la reparación. Los "
        "comerciantes de la orilla se quejan de tiendas vacías, y los alumnos madrugan más. La "
        "ciudad ya lo había cerrado una vez en verano por barandillas sueltas. Un perito aclarará "
        "cuánto aguantan los demás cables y si los camiones deben dar un rodeo en adelante.",
        "La fiscalía registró el miércoles las oficinas de la constructora Robledo y detuvo a dos "
        "ingenieros por falsificar informes de inspección.",
    ),
    "hi": (
        "बंदरगाह का पुल सोमवार से बंद है क्योंकि तीन इस्पात तार टूट गए। मरम्मत पूरी होने तक हर बीस मिनट पर "
        "नाव चलेगी। किनारे के दुकानदार खाली दुकानों की शिकायत करते हैं और छात्रों को जल्दी उठना पड़ता है। नगर ने "
        "गर्मियों में भी ढीली रेलिंग के कारण पुल बंद किया था। विशेषज्ञ बताएंगे कि बाकी तार कितने समय तक टिकेंगे।",
        "पुलिस ने बुधवार को निर्माण कंपनी कार्यालय पर छापा मारकर फर्जी निरीक्षण प्रमाणपत्र बनाने वाले दो "
        "इंजीनियर गिरफ्तार कर लिए।",
    ),
    "zh": (
        "港口大桥星期一关闭，市政府说桥上的三根钢索出现裂缝。工程师说，修理至少需要两个星期，"
        "渡船每二十分钟开一班，直到大桥重新开放。去年夏天，同一座桥也因为维修关闭过一次。"
        "商店老板抱怨客人减少，学校请学生提前出门。市长说，安全比方便更重要，请大家耐心等待。",
        "警察星期三搜查了建筑公司，逮捕两名伪造检验报告的工程师。",
    ),
}


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_sentence_is_told_in_other_languages_too(language: str) -> None:
    text, news = LANGUAGES[language]
    assert not dropped(f"{text} {news}", "", text, "")


def test_a_very_short_text_with_a_new_sentence_is_no_copy() -> None:
    short = "Trains between Hallport and Brackwater are halted after a fire at a plant by the line."
    news = (
        "Buses will replace them until Tuesday, rail operator Coastlink announced late on Sunday."
    )
    assert not dropped(f"{short} {news}", "Trains halted", short, "Trains halted")
