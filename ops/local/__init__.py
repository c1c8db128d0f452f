"""The servers and programs that `./run` starts on one machine."""
