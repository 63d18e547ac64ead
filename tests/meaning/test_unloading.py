"""Models are given back once nothing more is to be read, with the memory that they took."""

import subprocess
import sys

from newsapi_dentsu.meaning import sentence_model, unload_models

_MEASURED = """
import psutil
from newsapi_dentsu.meaning import Passage, sentence_model, tone_model, unload_models

def read():
    sentence_model().embed(["A brand lets algorithms write."])
    tone_model().read([Passage("Nova delights.", 0, 4, "brand")])

own = psutil.Process().memory_full_info
read()
loaded = own().uss
unload_models()
given_back = loaded - own().uss
read()
print(given_back)
"""


def test_their_memory_is_there_for_others_and_they_can_be_loaded_again() -> None:
    measured = subprocess.run(
        [sys.executable, "-c", _MEASURED], capture_output=True, check=True, text=True
    )
    # Each of the two networks has 23 MB.
    assert int(measured.stdout) > 46_000_000


def test_another_reader_makes_the_same_vectors() -> None:
    texts = ["A brand lets algorithms write."]
    before = sentence_model().embed(texts)
    unload_models()
    assert (sentence_model().embed(texts) == before).all()
