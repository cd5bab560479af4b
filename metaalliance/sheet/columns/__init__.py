"""What the columns of a sheet are and which values they take."""
