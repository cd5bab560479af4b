"""What each analysis has to say in a report."""
