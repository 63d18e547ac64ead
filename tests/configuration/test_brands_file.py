"""A file of brands that can't be used is told in plain English, with its line."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from newsapi_dentsu.domain.brands import NO_BRANDS
from newsapi_dentsu.errors import BrandsError
from newsapi_dentsu.health.doctor import Finding, diagnose
from newsapi_dentsu.settings import Settings, load_settings
from newsapi_dentsu.source import load_brands


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("BRANDS_FILE", raising=False)
    load_settings.cache_clear()
    yield load_settings()
    load_settings.cache_clear()


def test_no_file_is_needed(settings: Settings) -> None:
    assert load_brands(settings) == NO_BRANDS


def test_a_file_that_a_setting_names_must_be_there(settings: Settings) -> None:
    named = settings.model_copy(update={"brands_file": Path("mine.yaml")})

    with pytest.raises(BrandsError, match=r"mine\.yaml can't be read \(No such file.*BRANDS_FILE"):
        load_brands(named)


@pytest.mark.parametrize(
    ("content", "mistake"),
    [
        ("brands: [{name: Café}]".encode("latin-1"), r"brands\.yaml can't be read \(not UTF-8"),
        ("brands: [{name: Nova}]".encode("utf-16"), r"brands\.yaml can't be read \(not UTF-8"),
        (b"", r"brands\.yaml, line 1: must be a mapping with the key 'brands'"),
        (b"brands:\n  - Nova\n", r"line 2: brands\[1\]: must be a mapping"),
        (b"brands:\n  - name: Nova\n    alias: [N]\n", r"line 3: .*did you mean aliases\?"),
        (b"brands:\n  - name: Nova\n    ignores: [N]\n", r"line 3: .*did you mean ignore\?"),
        (b"brands:\n  - name: 7\n", r"line 2: brands\[1\].name: must be a text \(put it in quotes"),
        (b"brands:\n\t- name: N\n", r"line 2: .*indent with spaces, not tabs"),
        (b"brands:\n  - name: A\n    name: B\n", "line 3: name is there twice in one place"),
        (b"brands: [{name: A}]\nbrands: [{name: B}]\n", "line 2: brands is there twice"),
        (b"brands: " + b"[" * 5_000, r"brands\.yaml, line 1: "),
    ],
)
def test_a_mistake_is_named_with_its_line(settings: Settings, content: bytes, mistake: str) -> None:
    Path("brands.yaml").write_bytes(content)

    with pytest.raises(BrandsError, match=mistake):
        load_brands(settings)


def test_a_mark_that_editors_put_in_front_is_no_mistake(settings: Settings) -> None:
    Path("brands.yaml").write_bytes("brands: [{name: Nova}]".encode("utf-8-sig"))

    assert [one.name for one in load_brands(settings).brands] == ["Nova"]


def test_what_is_named_by_aliases_again_and_again_is_looked_at_once(settings: Settings) -> None:
    layers = "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 30))
    Path("brands.yaml").write_text(f"a0: &a0 [x]\n{layers}brands: [{{name: Nova}}]\n")

    with pytest.raises(BrandsError, match="a0: is not known here"):
        load_brands(settings)


def of_brands() -> Finding:
    """What the doctor says of the file; what comes after it is not examined."""
    return next(one for one in diagnose(datetime.now(UTC)) if one.check == "brands")


@pytest.mark.usefixtures("settings")
def test_the_doctor_tells_of_the_file() -> None:
    assert (of_brands().state, of_brands().detail) == ("ok", "0 brands watched")

    Path("brands.yaml").write_text("brands: [{name: Nova}]")
    assert of_brands().detail == "1 brand watched"

    Path("brands.yaml").write_text("brands: [{name: Nova}, {name: NOVA}]")
    found = of_brands()
    assert (found.state, "Nova (also as NOVA)" in found.detail) == ("problem", True)
    assert "BRANDS_FILE" in found.fix
