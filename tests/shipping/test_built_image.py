"""An image that was built: what is in it, what is not, and how large it is."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from newsapi_dentsu.settings import Settings

from .built_image import BUILT, BuiltImage, built_image
from .clean_root import ImageRoot, built_root
from .dockerfile import read_stages

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not BUILT, reason="`make image-test` builds the image"),
]

MEGABYTES = 1050.0
LAYERS = 6
"""The base's, and one for each of the Dockerfile's steps in its last stage."""


@pytest.fixture(scope="module")
def built() -> Iterator[BuiltImage]:
    with built_image(BUILT) as image:
        yield image


@pytest.fixture(scope="module")
def root(built: BuiltImage, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ImageRoot]:
    with built_root(tmp_path_factory.mktemp("root"), built.files) as mounted:
        yield mounted


def test_its_configuration_is_the_dockerfile_s(built: BuiltImage) -> None:
    final = read_stages()[-1]
    told = dict(one.split("=", 1) for one in built.configuration["Env"])
    wanted = final.environment
    assert told.pop("PATH").startswith(wanted.pop("PATH").removesuffix("$PATH"))
    assert wanted.items() <= told.items()
    assert built.configuration["User"] == final.last("USER").text
    assert built.configuration["Entrypoint"] == final.last("ENTRYPOINT").exec_form
    assert built.configuration["Cmd"] == final.last("CMD").exec_form
    assert built.configuration["StopSignal"] == final.last("STOPSIGNAL").text


def test_no_setting_that_is_secret_is_in_its_configuration(built: BuiltImage) -> None:
    secret = {
        name.upper()
        for name, info in Settings.model_fields.items()
        if "Secret" in str(info.annotation)
    }
    assert "NEWSAPI_KEY" in secret
    assert not secret & {one.split("=", 1)[0] for one in built.configuration["Env"]}


def test_neither_compilers_nor_installers_nor_caches_are_in_it(built: BuiltImage) -> None:
    programs = {
        path.name
        for folder in ("usr/bin", "usr/sbin", "usr/local/bin", "opt/newsapi/bin")
        for path in (built.files / folder).iterdir()
    }
    unwanted = re.compile(r"(pip|gcc|cc|c\+\+|g\+\+|clang|make|ld|curl|wget|git)[0-9.-]*")
    assert not [name for name in programs if unwanted.fullmatch(name)]
    for pattern in ("**/site-packages/pip", "**/dist-packages/pip", "**/ensurepip/_bundled"):
        assert not list(built.files.glob(pattern)), pattern
    assert not list((built.files / "root").glob(".cache"))
    assert not [path for path in (built.files / "var/lib/apt/lists").rglob("*") if path.is_file()]
    assert not list((built.files / "var/cache/apt").rglob("*.deb"))
    assert not list((built.files / "tmp").iterdir())


def test_neither_keys_nor_settings_of_the_builder_are_in_it(built: BuiltImage) -> None:
    names = (".env", ".env.*", "pip.conf", ".netrc", ".pypirc", "id_rsa*", ".git", "*.duckdb")
    found = [
        path.relative_to(built.files)
        for folder in ("opt", "root", "home", "var/lib/newsapi", "etc", "build", "srv")
        for name in names
        for path in (built.files / folder).rglob(name)
    ]
    assert not found


def test_its_files_can_be_written_by_nobody(root: ImageRoot) -> None:
    told = root.as_root("sh", "-c", "touch /etc/new 2>&1 || true")
    assert "Read-only file system" in told.stdout
    told = root.once("sh", "-c", "touch /tmp/new /var/lib/newsapi/new && echo written")
    assert told.stdout.strip() == "written"


def test_it_is_no_larger_than_it_has_to_be(built: BuiltImage, pytestconfig: pytest.Config) -> None:
    reporter = pytestconfig.pluginmanager.getplugin("terminalreporter")
    reporter.write_line(f"{BUILT}: {built.megabytes:.0f} MB in {built.layers} layers")
    assert built.megabytes < MEGABYTES
    assert built.layers <= LAYERS


def test_the_size_counts_each_file_once(tmp_path: Path) -> None:
    (tmp_path / "one").write_bytes(bytes(1_000_000))
    (tmp_path / "same").hardlink_to(tmp_path / "one")
    assert BuiltImage(tmp_path, {}, 0).megabytes == pytest.approx(1.0)
