"""Messages to one person: e-mail and text messages."""
