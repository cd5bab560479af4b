"""Every figure that is no forest plot."""
