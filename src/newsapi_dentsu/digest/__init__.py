"""Digests of the news: as text, Markdown, HTML mail, Slack blocks and JSON, each sent once."""
