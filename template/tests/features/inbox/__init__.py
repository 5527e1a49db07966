"""Tests of the inbox feature."""
