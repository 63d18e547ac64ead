"""What joins the parts: addresses, security groups, names and ways in."""
