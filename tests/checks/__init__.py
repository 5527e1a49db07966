"""The guards, one by one: each failure brought back, in disguise, and look-alikes that are fine."""
