"""Performance comparison and soak runs; ``python -m bench.run`` and ``python -m bench.soak``."""
