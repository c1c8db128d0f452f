"""What tries the product, from a checkout alone: neither the wheel nor the image has it."""
