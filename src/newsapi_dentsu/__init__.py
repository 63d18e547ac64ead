"""AI and marketing news, each article once: from newsapi.ai to three tables."""
