"""`[tool.hardening]`."""
