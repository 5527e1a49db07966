"""Tests of the rules, on small sources and on facts that are made by hand."""
