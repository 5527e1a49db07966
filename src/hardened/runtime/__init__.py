"""Facts from the running application."""
