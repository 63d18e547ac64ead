"""`python -m evaluation`: what it prints, and when it fails."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from evaluation.__main__ import main
from evaluation.duplicates.pairs import make_pairs
from evaluation.judgements import PIPELINE, Item, Judgement, Verdict
from evaluation.labelled_articles import labelled_articles
from evaluation.parts import Part
from evaluation.results import Result, Subject


def result(subject: Subject, part: Part, right: int, false: int, missing: int) -> Result:
    """Make a result of so many copies found, wrongly found and not found."""
    item = Item("x", part, "kind", "eng", 150, "copy", truth=True)
    other = replace(item, label="different", truth=False)
    judgements = [
        *[Judgement(item, Verdict(True))] * right,
        *[Judgement(other, Verdict(True))] * false,
        *[Judgement(item, Verdict(False))] * missing,
    ]
    return Result(subject, part, {PIPELINE: judgements})


def test_targets_are_met_at_their_limits() -> None:
    assert result("duplicates", "reported", right=990, false=10, missing=10).missed == []
    assert result("relevance", "reported", right=90, false=10, missing=10).missed == []


def test_a_target_below_its_limit_is_missed_and_named() -> None:
    missed = result("duplicates", "reported", right=950, false=50, missing=0).missed
    assert missed == ["duplicates: precision 0.9500 is below 0.96"]
    missed = result("duplicates", "reported", right=900, false=0, missing=100).missed
    assert missed == ["duplicates: f1 0.9474 is below 0.96"]
    assert len(result("relevance", "reported", right=50, false=50, missing=50).missed) == 1


def test_the_part_for_tuning_has_no_targets() -> None:
    assert result("duplicates", "tuning", right=1, false=9, missing=9).missed == []


def test_the_worst_mistakes_come_first() -> None:
    item = Item("a", "tuning", "kind", "eng", 150, "different", truth=False)
    slight = Judgement(item, Verdict(True, figure=0.81))
    gross = Judgement(replace(item, id="b"), Verdict(True, figure=0.99))
    fine = Judgement(replace(item, id="c"), Verdict(False, figure=0.1))
    assert Result("duplicates", "tuning", {PIPELINE: [slight, fine, gross]}).wrong == [
        gross,
        slight,
    ]


@pytest.fixture
def without_real_news(tmp_path: Path) -> list[str]:
    return ["relevance", "--split", "tuning", "--real-news", str(tmp_path)]


def test_without_real_articles_it_says_that_it_cant_tell(
    capsys: pytest.CaptureFixture[str], without_real_news: list[str]
) -> None:
    assert main([*without_real_news, "--json", "--worst", "2"]) == 0
    told = capsys.readouterr()
    assert "doesn't tell how good the pipeline is" in told.err
    printed = json.loads(told.out)
    assert printed["real"] is None
    part = printed["relevance"]["tuning"]
    assert set(part["methods"]) == {PIPELINE, "keywords", "tags", "keywords or tags"}
    assert all(0 <= figures["f1"] <= 1 for figures in part["methods"].values())
    assert (
        sum(figures["count"] for figures in part["kinds"].values())
        == (part["methods"][PIPELINE]["count"])
    )
    assert len(part["wrong"]) <= 2
    assert printed["missed"] == []


@pytest.mark.thorough(
    "tests/evaluation/test_command.py::test_without_real_articles_it_says_that_it_cant_tell"
)
def test_the_tables_name_every_method_and_kind(
    capsys: pytest.CaptureFixture[str], without_real_news: list[str]
) -> None:
    main(without_real_news)
    printed = capsys.readouterr().out
    for name in ("the pipeline", "keywords or tags", "relevant: core", "not relevant: homonym"):
        assert name in printed


def test_an_unknown_subject_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["copies"])
    assert end.value.code == 2
    assert "there are duplicates, relevance" in capsys.readouterr().err


def test_the_texts_of_a_pair_can_be_read(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--show", "tuning-0000"]) == 0
    one, other = capsys.readouterr().out.split("----")
    pair = make_pairs("tuning")[0]
    assert pair.one.body in one
    assert pair.other.body in other


def test_an_article_can_be_read(capsys: pytest.CaptureFixture[str]) -> None:
    article = labelled_articles("tuning")[0]
    assert main(["--show", article.id]) == 0
    assert article.body in capsys.readouterr().out


def test_an_unknown_id_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--show", "nothing"])
    assert "no pair and no article is called nothing" in capsys.readouterr().err
