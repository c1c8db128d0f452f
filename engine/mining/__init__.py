"""Mining: windows, sessions, accrual."""
