"""The verdict on GitHub: one check run per backend, and one for everything together."""
