"""Casts a story: who and what it is about."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from newsapi_dentsu.sandbox.texts import load

_NAMES = load("names")
TOWNS: Sequence[str] = _NAMES.pop("towns")
PAPERS: Sequence[str] = _NAMES.pop("papers")
TRADES: Sequence[str] = _NAMES.pop("trades")
MAGAZINES: Sequence[str] = _NAMES.pop("magazines")
_SECTORS: Mapping[str, str] = _NAMES.pop("sectors")
_COUNTRIES: Mapping[str, str] = _NAMES.pop("cities")
_CITIES = sorted(_COUNTRIES)
_TRADES_OF_BRANDS = sorted(_SECTORS)
_WORDED_MONTHS = ("three", "four", "six", "nine", "twelve", "18")


@dataclass(frozen=True)
class Person:
    """Somebody in a story, and what to say of them at first mention."""

    first_name: str
    last_name: str
    description: str

    @property
    def name(self) -> str:
        """The full name."""
        return f"{self.first_name} {self.last_name}"

    def introduce(self, text: str) -> str:
        """Describe the person where the text first names them; later only the last name stays."""
        before, name, after = text.partition(self.name)
        if not name:
            return text
        after = self.name_again(after)
        if after.startswith((",", "'")):
            return f"{before}{name}{after}"
        comma = "" if after.startswith((".", ";", ":")) else ","
        return f"{before}{name}, {self.description}{comma}{after}"

    def name_again(self, text: str) -> str:
        """Name the person by the last name alone, as a text does that has named them before."""
        return text.replace(self.name, self.last_name)


@dataclass(frozen=True)
class Cast:
    """The filled slots of the grammar for one story; its people, its place and its author."""

    slots: Mapping[str, str]
    people: tuple[Person, ...]
    city: str
    country: str
    author: str


def _in_a_sentence(country: str) -> str:
    return f"the {country}" if country.startswith(("United", "Nether")) else country


def cast(rng: random.Random) -> Cast:
    """Draw the cast of one story."""
    stems = rng.sample(_NAMES["brand_stems"], 2)
    trade, trade2 = rng.sample(_TRADES_OF_BRANDS, 2)
    brand, brand2 = f"{stems[0]} {trade}", f"{stems[1]} {trade2}"
    agency, agency2 = rng.sample(_NAMES["agencies"], 2)
    vendor, vendor2 = rng.sample(_NAMES["vendors"], 2)
    platform, platform2 = rng.sample(_NAMES["platforms"], 2)
    city, city2 = rng.sample(_CITIES, 2)
    role, firm = rng.choice(_NAMES["roles"]), rng.choice(_NAMES["firms"])
    descriptions = (
        f"{role} at {brand}",
        f"{rng.choice(_NAMES['leaders'])} of {vendor}",
        f"who leads the creative team at {agency}",
        f"an analyst at {firm}",
        f"{rng.choice(_NAMES['roles'])} at {brand2}",
        f"who looks after {_SECTORS[trade]} clients at {agency2}",
    )
    first_names = rng.sample(_NAMES["first_names"], len(descriptions) + 1)
    last_names = rng.sample(_NAMES["last_names"], len(descriptions) + 1)
    people = tuple(map(Person, first_names, last_names, descriptions))
    person, person2, person3, analyst, person4, person5 = people
    slots = {
        "brand": brand,
        "brand2": brand2,
        "sector": _SECTORS[trade],
        "agency": agency,
        "agency2": agency2,
        "vendor": vendor,
        "vendor2": vendor2,
        "vendor_host": f"{''.join(filter(str.isalnum, vendor)).lower()}.example",
        "platform": platform,
        "platform2": platform2,
        "model": rng.choice(_NAMES["models"]),
        "product": rng.choice(_NAMES["products"]),
        "firm": firm,
        "campaign": rng.choice(_NAMES["campaigns"]),
        "city": city,
        "city2": city2,
        "country": _in_a_sentence(_COUNTRIES[city]),
        "ai_field": rng.choice(_NAMES["ai_fields"]),
        "person": person.name,
        "surname": person.last_name,
        "person2": person2.name,
        "person3": person3.name,
        "person4": person4.name,
        "person5": person5.name,
        "analyst": analyst.name,
        "role": role,
        "pct": str(rng.randint(12, 78)),
        "pct2": str(rng.randint(6, 44)),
        "money": str(rng.randint(4, 240)),
        "sample": f"{rng.randint(4, 48) * 50:,}",
        "months": rng.choice(_WORDED_MONTHS),
        "months_n": str(rng.randint(3, 24)),
        "quarter": rng.choice(("first", "second", "third", "fourth")),
    }
    author = f"{first_names[-1]} {last_names[-1]}"
    return Cast(slots, people, city, _COUNTRIES[city], author)
