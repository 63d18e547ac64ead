"""How one keyword value is matched: as a phrase, as a Boolean expression, or as words anywhere."""

import re
from collections.abc import Callable, Sequence

from newsapi_dentsu.sandbox.articles import SandboxArticle, as_words

Test = Callable[[SandboxArticle], bool]

_TOKENS = re.compile(r'"[^"]*"|[()]|[^\s()"]+')


def compile_keyword(value: str, mode: str, places: Sequence[str]) -> Test:
    """Compile a keyword for a mode (`phrase`, `exact`, `simple`) and places (`body`, `title`)."""
    if mode == "exact":
        return _Expression(value, places).compile()
    if mode == "simple":
        tests = [_phrase(word, places) for word in as_words(value).split()]
        return lambda article: all(test(article) for test in tests)
    return _phrase(value, places)


def _phrase(text: str, places: Sequence[str]) -> Test:
    words = as_words(text)
    if set(places) == {"body", "title"}:
        return lambda article: words in article.title_words or words in article.body_words
    if "title" in places:
        return lambda article: words in article.title_words
    return lambda article: words in article.body_words


class _Expression:
    """`A OR (B AND NOT C)` over phrases; words side by side are one phrase, AND binds before OR."""

    def __init__(self, text: str, places: Sequence[str]) -> None:
        self._tokens = _TOKENS.findall(text)
        self._places = places

    def compile(self) -> Test:
        test = self._either()
        # What is left after an unbalanced bracket counts as further conditions.
        while self._tokens:
            self._tokens.pop(0)
            if self._tokens:
                test = _both(test, self._either())
        return test

    def _either(self) -> Test:
        tests = [self._all()]
        while self._next_is("OR"):
            tests.append(self._all())
        return tests[0] if len(tests) == 1 else lambda article: any(t(article) for t in tests)

    def _all(self) -> Test:
        test = self._one()
        while self._next_is("AND") or (self._tokens and self._tokens[0] == "NOT"):
            test = _both(test, self._one())
        return test

    def _one(self) -> Test:
        if self._next_is("NOT"):
            negated = self._one()
            return lambda article: not negated(article)
        if self._next_is("("):
            inner = self._either()
            self._next_is(")")
            return inner
        words = []
        while self._tokens and self._tokens[0] not in ("AND", "OR", "NOT", "(", ")"):
            words.append(self._tokens.pop(0).strip('"'))
        return _phrase(" ".join(words), self._places)

    def _next_is(self, token: str) -> bool:
        if self._tokens and self._tokens[0] == token:
            self._tokens.pop(0)
            return True
        return False


def _both(one: Test, other: Test) -> Test:
    return lambda article: one(article) and other(article)
