"""Your features, one folder for each; a folder that is here is part of the service."""
