"""Who asks: addresses, passwords, codes and guesses at them, factors, devices."""
