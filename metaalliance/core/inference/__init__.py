"""Intervals, tests and robust covariances of estimated coefficients."""
