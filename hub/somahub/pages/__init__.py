"""The hub's pages: what a person sees before and after a session."""
