// The page asks for this script; nothing of it is shown.
