"""Tables, text and files that leave the tool."""
