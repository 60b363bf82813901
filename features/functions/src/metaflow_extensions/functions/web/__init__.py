"""Functions over HTTP, by FastAPI."""
