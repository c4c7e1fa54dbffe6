"""What runs inside a session: its pages, its desktop in the browser, and Jupyter, which loads when it is needed."""
