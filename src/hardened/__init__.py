"""The tool: names the failures of the catalogue, in any service."""

__all__ = ["__version__"]

__version__ = "0.5.0"
