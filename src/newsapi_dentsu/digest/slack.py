"""A digest as a message of Slack: rich text, in which no text from outside is markup.

https://docs.slack.dev/reference/block-kit/blocks/rich-text-block
"""

from collections.abc import Iterator
from typing import Any, Final

from slack_sdk.models.blocks import (
    Block,
    HeaderBlock,
    RichTextBlock,
    RichTextElement,
    RichTextElementParts,
    RichTextSectionElement,
)

from newsapi_dentsu.digest.words import DigestWords, StoryWords, words
from newsapi_dentsu.reading.digest import Digest

_LONGEST_HEADER: Final = 150
_LONGEST_TEXT: Final = 3_000
_LONGEST_MESSAGE: Final = 10_000
"""Characters of all blocks: Slack refuses, as `msg_blocks_too_long`, from about 11,000 on."""

_Text = RichTextElementParts.Text
_Link = RichTextElementParts.Link
_Style = RichTextElementParts.TextStyle


def as_slack(digest: Digest, page: str | None = None) -> dict[str, Any]:
    """The body of a post to an incoming webhook; nothing that it links to is loaded or shown.

    It has as many stories as find room in what Slack takes.
    """
    told = words(digest, page)
    for count in reversed(range(len(told.stories) + 1)):
        blocks = [block.to_dict() for block in _blocks(told.of_stories(count))]
        if _size(blocks) <= _LONGEST_MESSAGE:
            break
    return {
        # Notifications show this text, and so do programs that don't know blocks.
        "text": _escaped(told.title),
        "blocks": blocks,
        "unfurl_links": False,
        "unfurl_media": False,
    }


def _size(part: object) -> int:
    """Characters of all texts and addresses in blocks."""
    if isinstance(part, dict):
        return sum(map(_size, part.values()))
    if isinstance(part, list):
        return sum(map(_size, part))
    return len(part) if isinstance(part, str) else 0


def _blocks(told: DigestWords) -> Iterator[Block]:
    yield HeaderBlock(text=told.title[:_LONGEST_HEADER])
    figures = (
        f"{one.now} {one.name}{f' ({one.compared})' if one.compared else ''}"
        for one in told.figures
    )
    yield RichTextBlock(elements=[_section(_Text(text="\n".join([*told.notes, *figures])))])
    if told.stories:
        yield HeaderBlock(text="Top stories")
        yield RichTextBlock(
            elements=[_section(*_story(*numbered)) for numbered in enumerate(told.stories, 1)]
        )
    for section in told.sections:
        lines = [f"• {label}{f': {detail}' if detail else ''}" for label, detail in section.rows]
        yield HeaderBlock(text=section.heading)
        yield RichTextBlock(elements=[_section(_Text(text="\n".join(lines)[:_LONGEST_TEXT]))])
    if told.page:
        yield RichTextBlock(elements=[_section(_Link(url=told.page, text="All the news"))])


def _story(number: int, story: StoryWords) -> Iterator[RichTextElement]:
    yield _Text(text=f"{number}. ")
    if story.link:
        yield _Link(url=story.link, text=story.title)
    else:
        yield _Text(text=story.title, style=_Style(bold=True))
    yield _Text(text=f"\n{story.about}\n")
    if story.page:
        yield _Link(url=story.page, text="read here")
        yield _Text(text="\n")


def _section(*elements: RichTextElement) -> RichTextSectionElement:
    return RichTextSectionElement(elements=list(elements))


def _escaped(text: str) -> str:
    """https://docs.slack.dev/messaging/formatting-message-text#escaping."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
