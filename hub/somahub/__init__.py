"""somahub: interactive cloud desktops and notebooks for neuroscience labs."""

__version__ = "0.1.0"
