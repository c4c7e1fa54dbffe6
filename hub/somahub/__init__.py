"""somahub: interactive cloud desktops and notebooks for neuroscience labs."""
