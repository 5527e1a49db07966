"""Tests of the readers of deployment files."""
