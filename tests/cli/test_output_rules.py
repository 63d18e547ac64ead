"""What a command prints: safe on a terminal, in an encoding by rule, into pipes that may end."""

import csv
import io
import json
import os
import pty
import re
import subprocess
import threading
import time
from http import HTTPStatus

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from newsapi_dentsu.stages.pipeline import STAGES
from newsapi_dentsu.visible import visible
from support.http import raw_server
from support.parts import first_quick

from .conftest import NEWSAPI, Workspace

ATTACKS = {
    "clear the screen": "\x1b[2J\x1b[H",
    "title of the window": "\x1b]0;owned\x07",
    "link": "\x1b]8;;https://evil.example\x1b\\here\x1b]8;;\x1b\\",
    "clipboard": "\x1b]52;c;ZXZpbA==\x07",
    "device attributes": "\x1b[c\x1bP+q\x1b\\",
    "C1": "\x9b2J\x9d0;owned\x9c",
    "overwrite the line": "all is well\r",
    "back over it": "no\x08\x08yes",
    "the other direction": "\u202egpj.exe\u202c",
    "isolates": "\u2066admin\u2069",
    "hidden tags": "x\U000e0041",
}
ACTING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\U000e0000-\U000e007f]")
OURS = re.compile(r"\x1b\[[0-9;]*[mK]|\r\n")
"""Colours, and the line ends of a terminal."""


def spoil(workspace: Workspace, text: str) -> None:
    """Put a text into what came from outside."""
    with duckdb.connect(str(workspace.folder / "data/news.duckdb")) as file:
        for column in ("title", "source_name", "link"):
            file.execute(f"UPDATE final.filtered_news SET {column} = ?", [f"a{text}b"])


def on_a_terminal(workspace: Workspace, *arguments: str, **settings: str) -> tuple[int, str]:
    """Run a command on a terminal of its own; what that got."""
    ours, theirs = pty.openpty()
    got: list[bytes] = []

    def read() -> None:
        try:
            while block := os.read(ours, 65536):
                got.append(block)
        except OSError:
            pass  # the other side is closed

    reader = threading.Thread(target=read)
    reader.start()
    environment = workspace.environment(**{"TERM": "xterm-256color", "COLUMNS": "200"} | settings)
    with subprocess.Popen(
        [NEWSAPI, *arguments],
        cwd=workspace.folder,
        env=environment,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    ) as process:
        os.close(theirs)
        code = process.wait(60)
    reader.join(10)
    os.close(ours)
    return code, b"".join(got).decode("utf-8", "replace")


@given(st.text())
def test_nothing_that_acts_is_left_and_all_else_is_as_it_was(text: str) -> None:
    shown = visible(text)
    assert not ACTING.search(shown.replace("\r\n", ""))
    if not ACTING.search(text) and text.isprintable():
        assert shown == text
    assert visible(shown) == shown
    shown.encode()


def test_titles_and_sources_never_act_on_a_terminal(filled: Workspace) -> None:
    spoil(filled, "".join(ATTACKS.values()))
    for arguments in (
        ("articles", "--limit", "2"),
        ("articles", "--limit", "2", "--format", "csv"),
        ("articles", "--limit", "2", "--format", "jsonl"),
    ):
        code, got = on_a_terminal(filled, *arguments)
        assert code == 0
        assert not ACTING.search(OURS.sub("", got)), (arguments, got)
        assert "1b" in got


def test_what_goes_into_a_pipe_as_a_table_is_safe_and_data_is_whole(filled: Workspace) -> None:
    title = "".join(ATTACKS.values())
    spoil(filled, title)
    table = filled.newsapi("articles", "--limit", "2").out
    assert not ACTING.search(table)
    rows = filled.newsapi("articles", "--limit", "2", "--format", "jsonl").out.split("\n")
    assert json.loads(rows[0])["title"] == f"a{title}b"


@pytest.mark.parametrize("width", first_quick([40, 80, 132]))
def test_on_a_terminal_an_article_is_one_line_and_nothing_is_wider(
    filled: Workspace, width: int
) -> None:
    spoil(filled, "a title in \u5e7f\u544a and English that is longer than most terminals are " * 3)
    _, got = on_a_terminal(filled, "articles", "--limit", "5", COLUMNS=str(width))
    lines = [line for line in re.sub(r"\x1b\[[0-9;]*m", "", got).split("\r\n") if line.strip()]
    rows = [line for line in lines if re.match(r"\d{4}-\d\d-\d\d \d\d:\d\d  \S", line)]
    assert len(rows) == 5
    assert len(lines) == 1 + 1 + 5, "a notice, the heads, the articles"
    assert max(map(cell_len, lines)) <= width


@pytest.mark.parametrize("width", first_quick([40, 80]))
def test_settings_stay_within_the_width(workspace: Workspace, width: int) -> None:
    code, got = on_a_terminal(workspace, "config", COLUMNS=str(width))
    assert code == 0
    lines = [re.sub(r"\x1b\[[0-9;]*m", "", line) for line in got.split("\r\n")]
    assert max(map(len, lines)) <= width
    assert "LOOKBACK_DAYS = 30  (default)" in lines


def test_in_a_pipe_a_link_is_whole_and_an_article_is_one_line(filled: Workspace) -> None:
    link = "https://www.example.com/" + "a-rather-long-part-of-an-address-" * 30
    with duckdb.connect(str(filled.folder / "data/news.duckdb")) as file:
        file.execute("UPDATE final.filtered_news SET link = ?", [link])
    _, *rows = filled.newsapi("articles", "--limit", "7").out.splitlines()
    assert len(rows) == 7
    assert all(row.endswith(f"  {link}") for row in rows)


def test_a_piped_run_says_at_once_that_it_runs(connected: Workspace) -> None:
    with connected.start("run", LOOKBACK_DAYS="1") as process:
        assert process.stderr
        began = time.monotonic()
        said = [process.stderr.readline(), process.stderr.readline()]
        assert time.monotonic() - began < 10
        _, rest = process.communicate(timeout=120)
    assert "Starting the run …\n" in said
    _, _, stages = "".join([*said, rest]).partition("Starting the run …\n")
    assert stages.count(" …\n") == len(STAGES)


@pytest.mark.parametrize("log_format", first_quick(["text", "json"]))
def test_what_the_api_says_never_acts_on_a_terminal_or_in_a_log(
    workspace: Workspace, log_format: str
) -> None:
    said = json.dumps({"error": "".join(ATTACKS.values())}, ensure_ascii=False).encode()
    answer = b"HTTP/1.1 %d No\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"
    refusal = answer % (HTTPStatus.BAD_REQUEST, len(said), said)
    with raw_server(lambda connection, _stop: connection.sendall(refusal)) as url:
        finished = workspace.newsapi(
            "run",
            NEWSAPI_HOST=url,
            NEWSAPI_KEY="k",
            REQUEST_ATTEMPTS="1",
            LOG_FORMAT=log_format,
        )
    assert finished.code == 1
    assert not ACTING.search(finished.out + finished.err)


def test_csv_for_excel_has_no_formulas_and_is_marked_as_utf8(filled: Workspace) -> None:
    formulas = {
        **{text: f"'{text}" for text in ("=1+1", "+1", "-1", "@SUM(A1)", " =1", "＝1", "＠1")},
        **{text: f"'{text}" for text in ("\u200b=1", "\xad=1", "\u200e-1", "\x1a+1", "﹦1", "﹢1")},
        "\t=1": "'\t'=1",
        "\r=1": "'\r'=1",
        # Excel ends cells at semicolons where decimals have commas.
        "a;=1+1": "a;'=1+1",
        "d,'=1+1;=1+2": "d,'=1+1;'=1+2",
        'a; "=1+1"; ＠b': "a; \"'=1+1\"; '＠b",
        "first\n- second": "first\n'- second",
        **{text: text for text in ("plain = text", "£5", "a; b=c", "x - y", '"-5"', "a;")},
    }
    with duckdb.connect(str(filled.folder / "data/news.duckdb")) as file:
        ids = [
            id_ for (id_,) in file.execute("SELECT article_id FROM final.filtered_news").fetchall()
        ]
        assert len(ids) >= len(formulas)
        for id_, formula in zip(ids, formulas, strict=False):
            file.execute(
                "UPDATE final.filtered_news SET title = ? WHERE article_id = ?", [formula, id_]
            )
    out = filled.folder / "articles.csv"
    assert filled.newsapi("articles", "--format", "csv", "--excel", "--out", str(out)).code == 0
    assert out.read_bytes().startswith(b"\xef\xbb\xbf")
    rows = list(csv.DictReader(io.StringIO(out.read_bytes().decode("utf-8-sig"), newline="")))
    titles = {row["title"] for row in rows}
    assert set(formulas.values()) <= titles
    plain = filled.newsapi("articles", "--format", "csv").out
    assert not plain.startswith("\ufeff")
    assert filled.newsapi("articles", "--format", "jsonl", "--excel").code == 2


STRICT = {"PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
"""Python takes the locale C for UTF-8 otherwise, and needs no locale that this machine lacks."""


@pytest.mark.parametrize(
    ("locale", "mode"),
    first_quick([("C", STRICT), ("en_US.ISO-8859-1", STRICT), ("not_a_locale", {})]),
)
def test_pipes_get_utf8_whatever_the_locale(
    filled: Workspace, locale: str, mode: dict[str, str]
) -> None:
    spoil(filled, " Größe € 中文 \U0001f600 ")
    for arguments in (("articles", "--limit", "2"), ("articles", "--format", "csv")):
        done = subprocess.run(
            [NEWSAPI, *arguments],
            cwd=filled.folder,
            env=filled.environment(LC_ALL=locale, LANG=locale, **mode),
            capture_output=True,
            check=True,
        )
        assert "Größe € 中文 \U0001f600".encode() in done.stdout
        assert b"Traceback" not in done.stderr


def test_a_terminal_or_a_chosen_encoding_gets_what_it_lacks_replaced(filled: Workspace) -> None:
    spoil(filled, " Größe € 中文 ")
    for encoding, expected in (("ascii", b"Gr??e ? ??"), ("latin-1", b"Gr\xf6\xdfe ? ??")):
        done = subprocess.run(
            [NEWSAPI, "articles", "--limit", "2"],
            cwd=filled.folder,
            env=filled.environment(PYTHONIOENCODING=encoding),
            capture_output=True,
            check=True,
        )
        assert expected in done.stdout
    code, got = on_a_terminal(filled, "articles", LC_ALL="C", **STRICT)
    assert code == 0
    assert "Gr??e ? ??" in got


@pytest.mark.parametrize(
    ("arguments", "lines", "settings"),
    first_quick(
        [
            ("articles", 1, {}),
            ("articles --format csv", 0, {}),
            ("articles --format csv", 1, {"PYTHONUNBUFFERED": "1"}),
            ("articles --format jsonl", 1, {}),
            ("status", 0, {}),
        ],
        2,
    ),
)
def test_a_reader_that_has_read_enough_is_no_error(
    filled: Workspace, arguments: str, lines: int, settings: dict[str, str]
) -> None:
    with subprocess.Popen(
        [NEWSAPI, *arguments.split()],
        cwd=filled.folder,
        env=filled.environment(**settings),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        for _ in range(lines):
            process.stdout.readline()
        process.stdout.close()
        told = process.stderr.read()
        assert process.wait(60) == 0
    assert told in (b"", b"SANDBOX: these articles are invented.\n")


@pytest.mark.parametrize(
    "arguments", first_quick(["articles --format csv", "articles", "--version"])
)
def test_a_full_disk_is_told_in_a_line(filled: Workspace, arguments: str) -> None:
    command = [str(NEWSAPI), *arguments.split()]
    with open("/dev/full", "w") as full:  # noqa: PTH123
        done = subprocess.run(
            command,
            cwd=filled.folder,
            env=filled.environment(),
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 1
    told = done.stderr.splitlines()
    assert told[-1] == "Error: the output can't be written: No space left on device"
    assert "Traceback" not in done.stderr


def test_closed_streams_are_no_error(filled: Workspace) -> None:
    for closed in (">&-", ">&- 2>&-"):
        done = subprocess.run(
            ["sh", "-c", f"{NEWSAPI} status {closed}"],
            cwd=filled.folder,
            env=filled.environment(),
            capture_output=True,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, b""), closed


def test_what_a_user_types_is_shown_in_errors_and_does_not_act(workspace: Workspace) -> None:
    attack = "".join(ATTACKS.values())
    for arguments in (("explain", attack), (attack,), ("articles", "--since", attack)):
        finished = workspace.newsapi(*arguments)
        assert finished.code != 0
        assert not ACTING.search(finished.out + finished.err), arguments


def test_the_rule_is_told(workspace: Workspace) -> None:
    told = " ".join(workspace.newsapi("--help").out.split())
    assert "Files and pipes get UTF-8" in told
