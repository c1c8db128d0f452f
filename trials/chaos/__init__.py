"""`twtc chaos`: live load over HTTP while everything beneath it is killed, stopped and cut off."""
