"""What every figure is drawn with: page, fonts, scales, styles, files."""
