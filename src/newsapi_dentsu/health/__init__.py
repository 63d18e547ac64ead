"""Whether the pipeline is well: what `newsapi doctor` looks at."""
