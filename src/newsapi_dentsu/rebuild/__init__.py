"""Everything made anew of the lake's records: on this machine, or on a Spark cluster."""
