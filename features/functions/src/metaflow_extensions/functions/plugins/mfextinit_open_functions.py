"""Nothing of Metaflow is replaced, and nothing is turned off."""
