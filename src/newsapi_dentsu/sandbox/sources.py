"""The invented publications of the generated corpus, all under the reserved domain `.example`.

As in every feed, few of them have much and many have little.
"""

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from newsapi_dentsu.sandbox.names import MAGAZINES, PAPERS, TOWNS, TRADES

_WIKIPEDIA = "http://en.wikipedia.org/wiki/"


@dataclass(frozen=True)
class Publisher:
    """A publication: where it is, what it publishes, and its rank among a million sources."""

    host: str
    name: str
    rank: int
    city: str = "New York City"
    country: str = "United States"
    data_type: str = "news"
    lang: str = "eng"

    @property
    def uri(self) -> str:
        """Its identity in the index."""
        return f"{self.host}.example"

    @property
    def title(self) -> str:
        """Its name, marked as the sandbox's."""
        return f"{self.name} (sandbox)"

    def record(self) -> dict[str, Any]:
        """Return the `source` object of an article, the fields of every switch included."""
        return {
            "uri": self.uri,
            "dataType": self.data_type,
            "title": self.title,
            "location": place(self.city, self.country),
            "ranking": {"importanceRank": self.rank},
        }


def place(city: str, country: str) -> dict[str, Any]:
    """Return the location object of a city."""
    return {
        "type": "place",
        "uri": _WIKIPEDIA + city.replace(" ", "_"),
        "label": {"eng": city},
        "country": {
            "type": "country",
            "uri": _WIKIPEDIA + country.replace(" ", "_"),
            "label": {"eng": country},
        },
    }


SOURCES = (
    Publisher("adledger", "The Ad Ledger", 8_200),
    Publisher("brandwire", "Brandwire Daily", 14_500),
    Publisher("campaignpost", "Campaign Post", 21_000, "London", "United Kingdom"),
    Publisher("thedailymeridian", "The Daily Meridian", 1_900, "London", "United Kingdom"),
    Publisher("harborbusinesstimes", "Harbor Business Times", 3_400),
    Publisher("mediaquorum", "Media Quorum", 38_000, "Chicago"),
    Publisher("martechgazette", "Martech Gazette", 52_000, "San Francisco"),
    Publisher("pacifictechreview", "Pacific Tech Review", 6_700, "San Francisco"),
    Publisher("signalandnoise", "Signal & Noise", 88_000, "Austin"),
    Publisher("retailbarometer", "Retail Barometer", 120_000, "Toronto", "Canada"),
    Publisher("theconsumerdesk", "The Consumer Desk", 74_000),
    Publisher("agencyobserver", "Agency Observer", 95_000, "London", "United Kingdom"),
    Publisher("northernledger", "Northern Ledger", 210_000, "Dublin", "Ireland"),
    Publisher("sydneymarketingreview", "Sydney Marketing Review", 160_000, "Sydney", "Australia"),
    Publisher("asiacommercewire", "Asia Commerce Wire", 45_000, "Singapore", "Singapore"),
    Publisher("modelweek", "Model Week", 67_000, "Boston"),
    Publisher("datacolumn", "Data Column", 250_000, "Berlin", "Germany"),
    Publisher("mumbaibusinessline", "Mumbai Business Line", 31_000, "Mumbai", "India"),
    Publisher("privacyjournal", "Privacy Journal", 320_000, "Brussels", "Belgium"),
    Publisher("lakesidecourier", "Lakeside Courier", 410_000, "Madison"),
    Publisher("rivertownherald", "Rivertown Herald", 640_000, "Portland"),
    Publisher("globalheadlines", "Global Headlines", 730_000, "Dubai", "United Arab Emirates"),
    Publisher("pressfeed", "PressFeed Newswire", 56_000, data_type="pr"),
    Publisher("corporatewire", "Corporate Wire", 110_000, "London", "United Kingdom", "pr"),
    Publisher("growthnotebook", "Growth Notebook", 480_000, "Lisbon", "Portugal", "blog"),
    Publisher(
        "promptandpersuade", "Prompt & Persuade", 560_000, "Amsterdam", "Netherlands", "blog"
    ),
    Publisher("thefunnel", "The Funnel", 820_000, "Denver", data_type="blog"),
    Publisher("werbekurier", "Werbekurier", 61_000, "Hamburg", "Germany", lang="deu"),
    Publisher("handelsspiegel", "Handelsspiegel", 29_000, "Frankfurt", "Germany", lang="deu"),
    Publisher("lecourrierpub", "Le Courrier Pub", 83_000, "Paris", "France", lang="fra"),
    Publisher("echodumarche", "L'Écho du Marché", 47_000, "Lyon", "France", lang="fra"),
    Publisher("diariomarketing", "Diario Marketing", 92_000, "Madrid", "Spain", lang="spa"),
    Publisher(
        "elobservadordigital", "El Observador Digital", 54_000, "Barcelona", "Spain", lang="spa"
    ),
)


def _smaller() -> Iterator[Publisher]:
    """The papers of towns and the magazines of trades: each rarely has anything."""
    names = [f"{town} {paper}" for town in TOWNS for paper in PAPERS]
    names += [f"{trade} {magazine}" for trade in TRADES for magazine in MAGAZINES]
    rng = random.Random("the smaller publications")
    for name in rng.sample(names, _SMALLER):
        host = name.replace(" ", "").lower()
        data_type = "blog" if rng.random() < 0.06 else "news"
        yield Publisher(host, name, rng.randrange(150_000, 990_000), data_type=data_type)


_SMALLER = 330
_ALL = (*SOURCES, *_smaller())
_FLATTENED = 8
"""The source at place n has a share in proportion to 1 / (n + this): Zipf's law with a flat top."""


def _by_kind() -> Mapping[tuple[str, str], tuple[Sequence[Publisher], Sequence[float]]]:
    found: dict[tuple[str, str], list[Publisher]] = {}
    for source in _ALL:
        found.setdefault((source.data_type, source.lang), []).append(source)
    return {
        kind: (sources, list(accumulate(1 / (n + _FLATTENED) for n in range(1, len(sources) + 1))))
        for kind, sources in found.items()
    }


_BY_KIND = _by_kind()


def draw_source(
    data_type: str, lang: str, rng: random.Random, *, other_than: str = ""
) -> Publisher:
    """Draw a publication of one data type and language, but not the one with the given uri."""
    sources, weights = _BY_KIND[data_type, lang]
    while True:
        source = rng.choices(sources, cum_weights=weights)[0]
        if source.uri != other_than:
            return source
