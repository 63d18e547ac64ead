"""The picture of the flow: well-formed, readable, and of the tables that there are."""

from xml.etree import ElementTree

from tools.flow_picture import READERS, STAGES, TABLES, flow

SVG = "{http://www.w3.org/2000/svg}"
WIDTHS = {"name": 15 * 0.62, "table": 11 * 0.61, None: 13 * 0.56}
"""How wide a letter is in each style, in usual fonts."""


def test_every_text_fits_into_its_box() -> None:
    root = ElementTree.fromstring(flow())  # noqa: S314  our own
    boxes = [
        {name: float(rect.get(name, "nan")) for name in ("x", "y", "width", "height")}
        for rect in root.iter(f"{SVG}rect")
    ]
    assert len(boxes) == len(STAGES) + len(TABLES) + len(READERS)
    for text in root.iter(f"{SVG}text"):
        middle, baseline = float(text.get("x", "nan")), float(text.get("y", "nan"))
        (box,) = (
            box
            for box in boxes
            if box["x"] < middle < box["x"] + box["width"]
            and box["y"] + 10 < baseline < box["y"] + box["height"] - 4
        )
        assert len(text.text or "") * WIDTHS[text.get("class")] < box["width"] - 6, text.text


def test_nothing_lies_outside_the_picture() -> None:
    root = ElementTree.fromstring(flow())  # noqa: S314  our own
    _, _, width, height = map(float, root.get("viewBox", "").split())
    for rect in root.iter(f"{SVG}rect"):
        assert float(rect.get("x", "nan")) + float(rect.get("width", "nan")) < width
        assert float(rect.get("y", "nan")) + float(rect.get("height", "nan")) < height


def test_it_is_told_to_whoever_cannot_see_it() -> None:
    described = ElementTree.fromstring(flow()).findtext(f"{SVG}desc") or ""  # noqa: S314  our own
    for box in (*STAGES, *TABLES, *READERS):
        assert box.name in described
