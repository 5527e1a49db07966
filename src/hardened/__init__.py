"""The tool: names the failures of the catalogue, in any service."""
