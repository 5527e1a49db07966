"""Facts about requirements, entry points and distributions."""
