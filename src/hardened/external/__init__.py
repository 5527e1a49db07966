"""Findings of well-kept tools."""
