"""The pipeline's health as one web page that needs nothing but itself."""
