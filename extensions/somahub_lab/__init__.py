"""What runs inside a session: its pages, its desktop, and the way to the service."""
