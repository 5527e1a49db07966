"""Requirements, entry points and distributions."""
