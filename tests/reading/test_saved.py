"""The file of saved searches, where something stands in its way."""

import threading
from pathlib import Path

import filelock
import pytest

from newsapi_dentsu.errors import StorageError
from newsapi_dentsu.reading import saved
from newsapi_dentsu.reading.saved import SavedSearches


@pytest.mark.parametrize("name", ["searches.json.lock", ".searches.json.part", "searches.json"])
def test_a_folder_in_place_of_a_file_is_named(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()

    with pytest.raises(StorageError) as failure:
        SavedSearches(tmp_path / "searches.json").add("agency", "agency")
    assert str(tmp_path / name) in str(failure.value)


def test_who_changes_them_meanwhile_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(saved, "_WAIT", 0.1)
    searches = SavedSearches(tmp_path / "searches.json")
    held, done = threading.Event(), threading.Event()

    def hold() -> None:
        with filelock.FileLock(tmp_path / "searches.json.lock"):
            held.set()
            done.wait(30)

    other = threading.Thread(target=hold)
    other.start()
    held.wait(30)
    with pytest.raises(StorageError, match="another process"):
        searches.add("agency", "agency")
    done.set()
    other.join()
    searches.add("agency", "agency")
    assert searches.find("agency")
