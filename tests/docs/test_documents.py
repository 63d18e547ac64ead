"""What the documentation takes from the code is up to date (`make docs` renews it)."""

import re

import pytest
from tools.generate_docs import DOCUMENTS, ROOT

PROSE = sorted(
    path.relative_to(ROOT)
    for path in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob(".github/*.md")]
)


@pytest.mark.parametrize("name", DOCUMENTS)
def test_generated_documents_are_up_to_date(name: str) -> None:
    assert (ROOT / name).read_text("utf-8") == DOCUMENTS[name](), "run `make docs`"


@pytest.mark.parametrize("document", PROSE, ids=str)
def test_links_lead_somewhere(document: str) -> None:
    path = ROOT / document
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", path.read_text("utf-8")):
        if not target.startswith("http"):
            assert (path.parent / target).exists(), target


@pytest.mark.parametrize("document", PROSE, ids=str)
def test_links_to_sections_lead_to_one(document: str) -> None:
    path = ROOT / document
    for target, section in re.findall(r"\]\(([^)#]*\.md)?#([^)]+)\)", path.read_text("utf-8")):
        text = ((path.parent / target) if target else path).read_text("utf-8")
        assert section in sections(text), f"{target}#{section}"


def sections(text: str) -> set[str]:
    """The anchors of a document's headings, as GitHub and GitLab make them, and its own."""
    headings = re.findall(r"^#+ (.+)$", text, re.M)
    plain = {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}
    return plain | set(re.findall(r"<a (?:id|name)=\"([^\"]+)\"", text))
