"""What the tests share: articles, a clock, a local news API, databases, processes."""
