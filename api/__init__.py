"""The API records intents and reads. It never decides a reward and never imports the workers."""
