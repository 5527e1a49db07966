"""Unit tests of the tool: small sources, facts made by hand, no rendered service."""
