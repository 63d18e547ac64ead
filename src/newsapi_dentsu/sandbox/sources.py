"""The invented publications of the generated corpus, all under the reserved domain `.example`."""

from dataclasses import dataclass
from typing import Any

_WIKIPEDIA = "http://en.wikipedia.org/wiki/"


@dataclass(frozen=True)
class Source:
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
    Source("adledger", "The Ad Ledger", 8_200),
    Source("brandwire", "Brandwire Daily", 14_500),
    Source("campaignpost", "Campaign Post", 21_000, "London", "United Kingdom"),
    Source("thedailymeridian", "The Daily Meridian", 1_900, "London", "United Kingdom"),
    Source("harborbusinesstimes", "Harbor Business Times", 3_400),
    Source("mediaquorum", "Media Quorum", 38_000, "Chicago"),
    Source("martechgazette", "Martech Gazette", 52_000, "San Francisco"),
    Source("pacifictechreview", "Pacific Tech Review", 6_700, "San Francisco"),
    Source("signalandnoise", "Signal & Noise", 88_000, "Austin"),
    Source("retailbarometer", "Retail Barometer", 120_000, "Toronto", "Canada"),
    Source("theconsumerdesk", "The Consumer Desk", 74_000),
    Source("agencyobserver", "Agency Observer", 95_000, "London", "United Kingdom"),
    Source("northernledger", "Northern Ledger", 210_000, "Dublin", "Ireland"),
    Source("sydneymarketingreview", "Sydney Marketing Review", 160_000, "Sydney", "Australia"),
    Source("asiacommercewire", "Asia Commerce Wire", 45_000, "Singapore", "Singapore"),
    Source("modelweek", "Model Week", 67_000, "Boston"),
    Source("datacolumn", "Data Column", 250_000, "Berlin", "Germany"),
    Source("mumbaibusinessline", "Mumbai Business Line", 31_000, "Mumbai", "India"),
    Source("privacyjournal", "Privacy Journal", 320_000, "Brussels", "Belgium"),
    Source("lakesidecourier", "Lakeside Courier", 410_000, "Madison"),
    Source("rivertownherald", "Rivertown Herald", 640_000, "Portland"),
    Source("globalheadlines", "Global Headlines", 730_000, "Dubai", "United Arab Emirates"),
    Source("pressfeed", "PressFeed Newswire", 56_000, data_type="pr"),
    Source("corporatewire", "Corporate Wire", 110_000, "London", "United Kingdom", "pr"),
    Source("growthnotebook", "Growth Notebook", 480_000, "Lisbon", "Portugal", "blog"),
    Source("promptandpersuade", "Prompt & Persuade", 560_000, "Amsterdam", "Netherlands", "blog"),
    Source("thefunnel", "The Funnel", 820_000, "Denver", data_type="blog"),
    Source("werbekurier", "Werbekurier", 61_000, "Hamburg", "Germany", lang="deu"),
    Source("handelsspiegel", "Handelsspiegel", 29_000, "Frankfurt", "Germany", lang="deu"),
    Source("lecourrierpub", "Le Courrier Pub", 83_000, "Paris", "France", lang="fra"),
    Source("echodumarche", "L'Écho du Marché", 47_000, "Lyon", "France", lang="fra"),
    Source("diariomarketing", "Diario Marketing", 92_000, "Madrid", "Spain", lang="spa"),
    Source(
        "elobservadordigital", "El Observador Digital", 54_000, "Barcelona", "Spain", lang="spa"
    ),
)


def sources_of(data_type: str, lang: str) -> tuple[Source, ...]:
    """Return the publications of one data type and language."""
    return tuple(
        source for source in SOURCES if (source.data_type, source.lang) == (data_type, lang)
    )
