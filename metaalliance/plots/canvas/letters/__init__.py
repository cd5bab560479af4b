"""Text set letter by letter: faces, and how each kind of file gets its letters."""
