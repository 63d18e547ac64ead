"""Letting an endpoint read tones, such as one of Azure Machine Learning with the same model.

Figures of one model only stand beside each other. So an endpoint must serve the very file that
comes with the program; where it doesn't, or gives no whole answer in time, the file itself reads.
"""

import json
import logging
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, SecretStr, ValidationError
from typing_extensions import override

from newsapi_dentsu.domain.tone import Tone
from newsapi_dentsu.http import HttpError, exchange
from newsapi_dentsu.meaning.tone import Passage, ToneReader

logger = logging.getLogger(__name__)

AT_ONCE = 200
"""Passages of one request."""

_SECONDS = 30.0
_MOST_BYTES = 1_000_000
_OFF = 0.01
"""How far three probabilities may be from adding up to 1."""


class _Answer(BaseModel):
    model_config = ConfigDict(extra="ignore")

    model: str
    tones: list[tuple[float, float, float]]


class EndpointReader(ToneReader):
    """Asks an endpoint; from its first failure on, another reader reads instead.

    Args:
        url: where to post passages.
        key: what is sent as a bearer's token, if anything.
        instead: reads when the endpoint doesn't, by the same model.
        seconds: how long one answer may take.
    """

    def __init__(
        self, url: str, key: SecretStr | None, instead: ToneReader, seconds: float = _SECONDS
    ) -> None:
        self._url: str | None = url
        self._headers: Mapping[str, str] = (
            {"Authorization": f"Bearer {key.get_secret_value()}"} if key else {}
        )
        self._instead = instead
        self._seconds = seconds

    @property
    @override
    def model(self) -> str:
        return self._instead.model

    @override
    def read(self, passages: Sequence[Passage]) -> list[Tone]:
        tones: list[Tone] = []
        for at in range(0, len(passages), AT_ONCE):
            portion = passages[at : at + AT_ONCE]
            tones += self._asked(self._url, portion) or self._instead.read(portion)
        return tones

    def _asked(self, url: str | None, passages: Sequence[Passage]) -> list[Tone] | None:
        if url is None:
            return None
        found = self._answer(url, passages)
        if isinstance(found, str):
            logger.warning("SENTIMENT_ENDPOINT %s: the model of the program reads instead", found)
            self._url = None
            return None
        return found

    def _answer(self, url: str, passages: Sequence[Passage]) -> list[Tone] | str:
        """What the endpoint says, or what is wrong with that."""
        asked: dict[str, Any] = {
            "model": self.model,
            "passages": [list(one) for one in passages],
        }
        try:
            answer = exchange(
                "POST",
                url,
                seconds=self._seconds,
                json=asked,
                headers=self._headers,
                most=_MOST_BYTES,
            )
        except HttpError as error:
            return f"gave no answer ({error})"
        if answer.status != 200:
            return f"answered {answer.status}"
        try:
            told = _Answer.model_validate(json.loads(answer.body))
        except (ValueError, ValidationError, RecursionError):
            return "answered something else than tones"
        if told.model != self.model:
            return "serves another model"
        tones = [Tone(*one) for one in told.tones]
        if len(tones) != len(passages) or not all(map(_is_tone, tones)):
            return "answered something else than a tone for each passage"
        return tones


def _is_tone(tone: Tone) -> bool:
    return min(tone) >= 0 and abs(sum(tone) - 1) <= _OFF
