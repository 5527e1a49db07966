"""Facts from source: a tree that is read and never run."""
