"""What is asked of several tables at once: audits, an article's path, counts, pages of articles."""
