"""Events: what they say, who may hear them, how they look on the wire."""
