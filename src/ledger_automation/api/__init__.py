"""The service over HTTP: parse, authorise, one call, render. Generic over workflows; FastAPI has its home here."""
