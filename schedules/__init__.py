"""Schedules record what is due, and ring again for what nobody applied. They apply nothing."""
