"""What analytic choices do to a result; planning and updating a review."""
