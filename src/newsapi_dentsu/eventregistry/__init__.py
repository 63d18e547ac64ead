"""The news API of newsapi.ai (EventRegistry): searching it, and what its answers cost."""
