"""Facts as data: what the probe finds in the running application and what source reads are the same records."""
