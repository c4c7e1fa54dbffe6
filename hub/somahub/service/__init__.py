"""The service beside the hub: its API for people's scripts, and the page that leads to it."""
