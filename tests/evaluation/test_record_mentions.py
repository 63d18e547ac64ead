"""Sentences that teach the model of tone come from the records; none that is judged is taken."""

import json
import lzma
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from tools import record_mentions

LEAD = "Zürcher Orbital shares fell when Nova Ferris resigned as its chairman."
LATER = "Ferris, who founded the firm, had praised its engineers a day before."
CONCEPTS = [
    {"type": "person", "label": {"eng": "Nova Ferris"}},
    {"type": "org", "label": {"eng": "Zürcher Orbital"}},
    {"type": "wiki", "label": {"eng": "Chairman"}},
    {"type": "person", "label": {"deu": "Nova Ferris"}},
]


def record(**fields: object) -> dict[str, Any]:
    plain = {"lang": "eng", "title": "Ferris goes", "body": f"{LEAD} {LATER}", "concepts": CONCEPTS}
    return {**plain, **fields}


def taken(
    folder: Path, records: Sequence[dict[str, Any]], judged: Sequence[str] = (), *more: str
) -> list[str]:
    with lzma.open(folder / "records-1.jsonl.xz", "wt", encoding="utf-8") as file:
        file.writelines(f"{json.dumps(one)}\n" for one in records)
    rows = (json.dumps({"sentence": sentence}) for sentence in judged)
    (folder / "newsmtsc-mt-hf-test.jsonl").write_text("".join(f"{row}\n" for row in rows))
    out = folder / "made" / "mentions.jsonl"
    where = ["--records", str(folder), "--data", str(folder), "--out", str(out), *more]
    assert record_mentions.main(where) == 0
    rows_out = [json.loads(line) for line in out.read_text("utf-8").splitlines()]
    return sorted(
        f"{one['sentence'][: one['start']]}[{one['sentence'][one['start'] : one['end']]}]"
        for one in rows_out
    )


EVERY = ["Zürcher Orbital shares fell when [Nova Ferris]", "[Ferris]", "[Zürcher Orbital]"]


@pytest.mark.parametrize("concepts", [CONCEPTS, str(CONCEPTS)], ids=["list", "its text"])
def test_people_and_organisations_are_marked_where_sentences_name_them(
    tmp_path: Path, concepts: object
) -> None:
    assert taken(tmp_path, [record(concepts=concepts)]) == EVERY


def test_a_sentence_is_taken_once_however_many_records_have_it(tmp_path: Path) -> None:
    copy = record(title="Nova Ferris resigns", body=f"{LEAD.upper()} {LATER}")
    assert taken(tmp_path, [record(), record(title="Gone"), copy]) == EVERY


def test_no_sentence_that_the_model_is_judged_by_is_taken(tmp_path: Path) -> None:
    assert taken(tmp_path, [record()], [LEAD.replace(" fell", "  Fell")]) == ["[Ferris]"]


def test_what_is_not_english_or_names_nobody_is_passed_over(tmp_path: Path) -> None:
    others = [record(lang="deu"), record(concepts=None), record(concepts=[])]
    assert taken(tmp_path, [*others, record(body=LATER.replace("Ferris", "Nova Ferris"))]) == [
        "[Nova Ferris]"
    ]


def test_no_more_are_written_than_are_asked_for(tmp_path: Path) -> None:
    assert len(taken(tmp_path, [record()], (), "--most", "2")) == 2


def test_a_folder_without_records_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    where = ["--records", str(tmp_path), "--data", str(tmp_path), "--out", str(tmp_path / "out")]
    assert record_mentions.main(where) == 1
    assert "names anybody" in capsys.readouterr().err
