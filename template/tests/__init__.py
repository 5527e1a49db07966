# Owned by the template.
"""The service's tests."""
