"""Numbers as they are told in texts: in digits, in words, and how many of them there are."""

import re
from collections.abc import Iterable, Mapping
from typing import Final

# What is another word elsewhere is left out: "once" is eleven, "due" is two.
_SMALL: Final = (
    (2, "two zwei deux dos dois second zweite deuxième segundo 二 两 兩"),
    (3, "three drei trois tres três third dritte troisième tercero terceiro 三"),
    (4, "four vier quatre cuatro quatro quattro fourth vierte 四"),
    (5, "five fünf cinq cinco cinque fifth fünfte 五"),
    (6, "six sechs seis sixth sechste 六"),
    (7, "seven sieben siete sete seventh siebte 七"),
    (8, "eight acht huit ocho oito eighth achte 八"),
    (9, "nine neun neuf nueve ninth neunte 九"),
    (10, "ten zehn dix diez dez dieci tien tenth zehnte 十"),
    (11, "eleven elf onze undici eleventh"),
    (12, "twelve zwölf douze doce dodici twaalf dozen twelfth"),
    (13, "thirteen dreizehn treize trece treze"),
    (14, "fourteen vierzehn quatorze catorce"),
    (15, "fifteen fünfzehn quinze quince quindici"),
    (16, "sixteen sechzehn seize dieciséis"),
    (17, "seventeen siebzehn"),
    (18, "eighteen achtzehn"),
    (19, "nineteen neunzehn"),
    (20, "twenty zwanzig vingt veinte vinte venti twintig"),
    (30, "thirty dreißig trente treinta trinta trenta dertig"),
    (40, "forty vierzig quarante cuarenta quarenta quaranta veertig"),
    (50, "fifty fünfzig cinquante cincuenta cinquenta cinquanta vijftig"),
    (60, "sixty sechzig soixante sesenta sessenta sessanta zestig"),
    (70, "seventy siebzig setenta settanta zeventig"),
    (80, "eighty achtzig ochenta oitenta ottanta tachtig"),
    (90, "ninety neunzig noventa novanta negentig"),
)
_LARGE: Final = (
    ("hundred", "hundred hundert hundreds cien ciento cento honderd 百"),
    ("thousand", "thousand tausend thousands mille mil duizend k 千"),
    ("ten thousand", "万 萬"),
    ("hundred million", "亿 億"),
    ("million", "m mn mln mio million millions millionen millón millones milhão milhões miljoen"),
    ("billion", "bn bln mrd billion billions milliarde milliarden milliard milliards miljard"),
    ("trillion", "tn trn trillion trillions billionen"),
)
_VALUES: Final[Mapping[str, str]] = {
    word: str(value) for value, words in (*_SMALL, *_LARGE) for word in words.split()
}
_PARTS = re.compile(r"\d+(?:[.,:']\d+)*|[^\W\d_]+")


def numbers_of(words: Iterable[str]) -> frozenset[str]:
    """The numbers among words, each in one spelling: "eight", "8th" and "8" are the same.

    What multiplies counts by itself: "1.5m" is 1.5 and a million.
    """
    found = set()
    for word in words:
        if (value := _VALUES.get(word)) is not None:
            found.add(value)
        elif any(map(str.isdigit, word)):
            for part in _PARTS.findall(word):
                if part[0].isdigit():
                    found.add(part)
                elif (value := _VALUES.get(part)) is not None and not value.isdigit():
                    found.add(value)
    return frozenset(found)
