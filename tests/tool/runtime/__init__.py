"""Tests of the probe, and of the tool's side of it."""
