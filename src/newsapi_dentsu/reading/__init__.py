"""Reading the news: what may be read, in pages that all belong to one state."""
