"""What a function needs, taken from where it runs now: its code, its packages, its interpreter."""
