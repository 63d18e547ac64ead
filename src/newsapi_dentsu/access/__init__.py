"""Who may ask the server of news: keys, how often they may ask, and what their use leaves."""
