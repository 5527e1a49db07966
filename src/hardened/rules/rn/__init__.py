"""Runs and state."""
