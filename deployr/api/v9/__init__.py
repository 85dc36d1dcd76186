"""The API of R Server and Machine Learning Server 9.x, at the root of the same ports."""
