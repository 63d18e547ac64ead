"""What runs the image, and what stands before it."""
