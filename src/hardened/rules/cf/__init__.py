"""Configuration and deployment."""
