"""The service's package; what is yours lives in `features/`, `settings.py`, `main.py` and `cli.py`."""
