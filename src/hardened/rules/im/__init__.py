"""Imports, packages, entry points."""
