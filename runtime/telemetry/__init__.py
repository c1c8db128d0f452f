"""What a process tells about itself: figures, log lines, traces, signs of life (decision 0036)."""
