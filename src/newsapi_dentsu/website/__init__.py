"""The news as a web page, feeds and a REST API: `newsapi serve`."""
