"""What every domain's tables and statements are made of; it knows none of them."""
